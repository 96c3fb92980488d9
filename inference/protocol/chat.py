"""POST /v1/chat/completions: the request."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import AfterValidator, BeforeValidator, FailFast, Field, model_validator
from pydantic.json_schema import SkipJsonSchema

from inference.protocol.content import Content, images_in, joined_text
from inference.protocol.idle import IdleChatFields
from inference.protocol.nesting import shallow
from inference.protocol.problems import problem
from inference.protocol.refusals import CHAT, Refusal
from inference.protocol.requests import MAX_TOKENS, MAX_TOPS, ApiRequest, StrictModel
from inference.protocol.response_format import StructuredRequest
from inference.protocol.tools import MAX_TOOLS, CalledFunction, Choice, Tool, ToolCall, ToolChoice, parsed_choice

Role = Literal["system", "developer", "user", "assistant", "tool", "function"]

# Chat templates know neither of OpenAI's newest and oldest roles.
_TEMPLATE_ROLES = {"developer": "system", "function": "tool"}
# What the server itself tells the template, and parameters of the function that renders it.
_OWN_VARIABLES = frozenset(
    {"messages", "conversation", "tools", "chat_template", "add_generation_prompt", "continue_final_message"}
    | {"tokenize", "padding", "truncation", "max_length", "return_tensors", "return_dict", "tokenizer_kwargs"}
    | {"return_assistant_tokens_mask", "sanitize_control_tokens"}
)


def _free_variables(variables: dict[str, Any]) -> dict[str, Any]:
    for name in variables:
        if name in _OWN_VARIABLES:
            raise problem(f"must not have '{name}', which the server sets")
    return variables


# vLLM's: variables for the chat template, such as {"enable_thinking": false}.
TemplateVariables = Annotated[dict[str, Any], AfterValidator(shallow), AfterValidator(_free_variables)]


class ChatMessage(StrictModel):
    """One message, its content already joined to one text."""

    role: Role = Field(description="Who says it; chat templates see `developer` as `system`, `function` as `tool`.")
    content: Annotated[str | None, BeforeValidator(joined_text, json_schema_input_type=Content)] = Field(
        None, description="A text, or text parts that are joined. Only an assistant may have none."
    )
    name: str | None = Field(None, description="Of who says it, for templates that show it.")
    tool_calls: list[ToolCall] | None = Field(None, description="What an assistant called.")
    function_call: CalledFunction | None = Field(
        None, description="OpenAI's older form of one call, before there were `tool_calls`."
    )
    refusal: str | None = Field(None, description="What an assistant said instead of an answer: its text.")
    tool_call_id: str | None = Field(None, description="Which call a message of the role `tool` is the result of.")
    # How many images there are in the content, whose text does not tell.
    images: SkipJsonSchema[int] = Field(0, exclude=True)

    @model_validator(mode="before")
    @classmethod
    def _other_than_text_is_seen(cls, data: Any) -> Any:
        if isinstance(data, dict) and data.get("audio") is not None:
            raise problem("names an answer in audio, but this server reads text only: send its transcript", at=".audio")
        if not isinstance(data, dict) or not ("images" in data or isinstance(data.get("content"), list)):
            return data
        return {**data, "images": images_in(data.get("content"))}

    @model_validator(mode="after")
    def _only_an_assistant_may_say_nothing(self) -> Self:
        if self.content is None and self.role != "assistant":
            raise problem(f"is required for the role '{self.role}'", at=".content")
        return self

    @model_validator(mode="after")
    def _one_form_of_calls(self) -> Self:
        if self.tool_calls and self.function_call is not None:
            raise problem("cannot be combined with 'tool_calls', the newer form of the same", at=".function_call")
        return self

    @property
    def calls(self) -> list[ToolCall]:
        """What an assistant called, in either form."""
        if self.function_call is not None:
            return [ToolCall(id=None, type="function", function=self.function_call)]
        return self.tool_calls or []

    def for_template(self) -> dict[str, Any]:
        """The message as chat templates expect it; content is always a text."""
        message = self.model_dump(exclude_none=True, include={"name", "tool_call_id"})
        if self.calls:
            message["tool_calls"] = [call.for_template() for call in self.calls]
        role = _TEMPLATE_ROLES.get(self.role, self.role)
        return {**message, "role": role, "content": self.content or self.refusal or ""}


class TemplatedChat(ApiRequest):
    """How the prompt ends that a template makes of messages, as vLLM lets clients choose."""

    messages: Annotated[list[ChatMessage], FailFast()]
    add_generation_prompt: bool = Field(
        True, description="vLLM's: the prompt of `messages` ends with the beginning of an answer."
    )
    continue_final_message: bool = Field(
        False,
        description="vLLM's: the last message, which is an assistant's, stays open, and the answer goes on from its "
        "text. Needs `add_generation_prompt` false.",
    )

    @model_validator(mode="after")
    def _only_an_answer_is_continued(self) -> Self:
        if not self.continue_final_message:
            return self
        if self.add_generation_prompt:
            problem_is = "cannot be combined with 'add_generation_prompt', which is true unless it is sent as false"
            raise problem(problem_is, at="continue_final_message")
        last = self.messages[-1] if self.messages else None
        if last is None or last.role != "assistant" or last.calls:
            raise problem("needs a text of the role 'assistant' as the last of 'messages'", at="continue_final_message")
        return self

    @property
    def prompt_end(self) -> dict[str, bool]:
        """The same for whoever renders the template."""
        return {
            "add_generation_prompt": self.add_generation_prompt,
            "continue_final_message": self.continue_final_message,
        }


class ChatCompletionRequest(StructuredRequest, TemplatedChat, IdleChatFields):
    """A chat to be answered."""

    refusals: ClassVar[tuple[Refusal, ...]] = CHAT
    idle: ClassVar[frozenset[str]] = StructuredRequest.idle | IdleChatFields.model_fields.keys()

    # One error is reported, so the rest of a long list is not looked at once one is found.
    messages: Annotated[list[ChatMessage], FailFast()] = Field(min_length=1, description="The chat so far.")
    max_completion_tokens: int | None = Field(None, ge=1, description=f"{MAX_TOKENS} It wins over `max_tokens`.")
    logprobs: bool = Field(False, description="Answers with the log probability of each token.")
    top_logprobs: int = Field(
        0, ge=0, le=MAX_TOPS, description="With `logprobs`: so many of the likeliest tokens at each place, too."
    )
    tools: Annotated[list[Tool], FailFast()] = Field(
        default_factory=list, max_length=MAX_TOOLS, description="What the model may call, if its template takes tools."
    )
    tool_choice: Annotated[ToolChoice, BeforeValidator(parsed_choice, json_schema_input_type=Choice)] = Field(
        ToolChoice(),
        description="Whether a tool may, must or must not be called; or which one must.",
        json_schema_extra={"default": "auto"},
    )
    parallel_tool_calls: bool = Field(True, description="False: one call at most.")
    chat_template_kwargs: TemplateVariables = Field(
        default_factory=dict,
        description='vLLM\'s: variables for the chat template, such as `{"enable_thinking": false}`.',
    )

    @model_validator(mode="after")
    def _tops_need_logprobs(self) -> Self:
        if self.top_logprobs and not self.logprobs:
            raise problem("is only allowed when 'logprobs' is true", at="top_logprobs")
        return self

    @model_validator(mode="after")
    def _names_of_tools_are_different(self) -> Self:
        names = [tool.function.name for tool in self.tools]
        for index, name in enumerate(names):
            if name in names[:index]:
                raise problem(f"is '{name}', as that of another tool", at=f"tools[{index}].function.name")
        return self

    @model_validator(mode="after")
    def _forced_tools_exist(self) -> Self:
        choice = self.tool_choice
        if choice.forces and not self.tools:
            raise problem("needs 'tools' to choose from", at="tool_choice")
        if choice.name is not None and not self.forced_tools:
            raise problem(f"is '{choice.name}', which is not among 'tools'", at="tool_choice.function.name")
        if choice.forces:
            self.check_may_end("tool_choice")
        return self

    @property
    def usable_tools(self) -> list[Tool]:
        """The tools that the model gets to see."""
        return [] if self.tool_choice.mode == "none" else self.tools

    @property
    def forced_tools(self) -> list[Tool]:
        """Those of which one has to be called, if one has to be."""
        return [tool for tool in self.tools if self.tool_choice.name in {None, tool.function.name}]

    @property
    def token_limit(self) -> int | None:
        """`max_completion_tokens` is the newer name and wins."""
        return self.max_completion_tokens or self.max_tokens

    @property
    def tops(self) -> int | None:
        """With how many of the likeliest tokens each one is returned; None: without log probabilities."""
        return self.top_logprobs if self.logprobs else None
