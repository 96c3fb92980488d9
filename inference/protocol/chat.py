"""POST /v1/chat/completions: the request."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BeforeValidator, FailFast, Field, model_validator

from inference.protocol.content import joined_text
from inference.protocol.problems import problem
from inference.protocol.refusals import CHAT, Refusal
from inference.protocol.requests import MAX_TOPS, GenerationRequest, StrictModel

Role = Literal["system", "developer", "user", "assistant", "tool", "function"]

# Chat templates know neither of OpenAI's newest and oldest roles.
_TEMPLATE_ROLES = {"developer": "system", "function": "tool"}


class ChatMessage(StrictModel):
    """One message, its content already joined to one text."""

    role: Role
    content: Annotated[str | None, BeforeValidator(joined_text)] = None
    name: str | None = None
    tool_calls: list[dict[str, Any]] | None = None
    tool_call_id: str | None = None

    @model_validator(mode="after")
    def _only_an_assistant_may_say_nothing(self) -> Self:
        if self.content is None and self.role != "assistant":
            raise problem(f"is required for the role '{self.role}'", at=".content")
        return self

    def for_template(self) -> dict[str, Any]:
        """The message as chat templates expect it; content is always a text."""
        message = self.model_dump(exclude_none=True)
        role = _TEMPLATE_ROLES.get(self.role, self.role)
        return {**message, "role": role, "content": self.content or ""}


class ChatCompletionRequest(GenerationRequest):
    """A chat to be answered."""

    refusals: ClassVar[tuple[Refusal, ...]] = CHAT

    # One error is reported, so the rest of a long list is not looked at once one is found.
    messages: Annotated[list[ChatMessage], FailFast()] = Field(min_length=1)
    max_completion_tokens: int | None = Field(None, ge=1)
    logprobs: bool = False
    top_logprobs: int = Field(0, ge=0, le=MAX_TOPS)

    @model_validator(mode="after")
    def _tops_need_logprobs(self) -> Self:
        if self.top_logprobs and not self.logprobs:
            raise problem("is only allowed when 'logprobs' is true", at="top_logprobs")
        return self

    @property
    def token_limit(self) -> int | None:
        """`max_completion_tokens` is the newer name and wins."""
        return self.max_completion_tokens or self.max_tokens

    @property
    def tops(self) -> int | None:
        """With how many of the likeliest tokens each one is returned; None: without log probabilities."""
        return self.top_logprobs if self.logprobs else None
