"""POST /tokenize and /detokenize, which are vLLM's: the requests, and their answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, ClassVar, Self

from pydantic import BeforeValidator, FailFast, Field, model_validator

from inference.protocol.chat import ChatMessage, TemplatedChat, TemplateVariables
from inference.protocol.problems import json_type, problem
from inference.protocol.prompts import TokenId, token_ids
from inference.protocol.refusals import TOKENIZE, Refusal
from inference.protocol.requests import ApiRequest
from inference.protocol.tools import MAX_TOOLS, Tool


def _ids(value: object) -> object:
    if not isinstance(value, list):
        raise problem(f"must be an array of token ids, not {json_type(value)}")
    return token_ids(value)


class TokenizeRequest(TemplatedChat):
    """A text, or a chat as the model's template writes it, to be split into tokens."""

    refusals: ClassVar[tuple[Refusal, ...]] = TOKENIZE

    prompt: str | None = Field(None, description="A text; this or `messages`.")
    messages: Annotated[list[ChatMessage], FailFast()] = Field(
        default_factory=list, min_length=1, description="A chat, as the model's template writes it; this or `prompt`."
    )
    add_special_tokens: bool | None = Field(
        None, description="Whether a `prompt` gets them. Absent: true. Templates write those of `messages`."
    )
    return_token_strs: bool = Field(False, description="`token_strs` is the text of each token, else null.")
    tools: Annotated[list[Tool], FailFast()] = Field(
        default_factory=list, max_length=MAX_TOOLS, description="What the template tells the model of tools."
    )
    chat_template_kwargs: TemplateVariables = Field(
        default_factory=dict, description='Variables for the chat template, such as `{"enable_thinking": false}`.'
    )

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if self.prompt is None and not self.messages:
            raise problem("is required, or 'messages'", at="prompt")
        if self.prompt is not None and self.messages:
            raise problem("cannot be combined with 'prompt'", at="messages")
        return self

    @model_validator(mode="after")
    def _templates_write_special_tokens(self) -> Self:
        if self.messages and self.add_special_tokens:
            raise problem("must not be true for 'messages', whose template writes them", at="add_special_tokens")
        return self


class DetokenizeRequest(ApiRequest):
    """Tokens to be put together to a text."""

    tokens: Annotated[tuple[int, ...], BeforeValidator(_ids, json_schema_input_type=list[TokenId])] = Field(
        description="The ids of the tokens, in their order."
    )


def token_list(tokens: Sequence[int], *, context_length: int, texts: Sequence[str] | None) -> dict[str, Any]:
    """The answer of POST /tokenize; `texts` is what each token stands for, if that was asked for."""
    return {"count": len(tokens), "max_model_len": context_length, "tokens": tokens, "token_strs": texts}
