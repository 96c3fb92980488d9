"""What the inference API answers. The answers themselves are written by workers; tests hold them to these types."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class Said(BaseModel):
    """A part of an answer; an engine that is a server of its own may say more."""

    model_config = ConfigDict(extra="allow")


class Problem(Said):
    """What is wrong, in words and for programs."""

    message: str = Field(description="A sentence for a person, that says what to do.")
    type: str = Field(description="OpenAI's kind of error, such as `invalid_request_error`.")
    param: str | None = Field(description="The field at fault, such as `messages[0].role`.")
    code: str | None = Field(description="For programs, such as `model_not_found`.")


class Error(Said):
    """Every error, also in a stream, where it is an event of its own before `[DONE]`."""

    error: Problem = Field(description="What went wrong.")


class PromptDetails(Said):
    """Of the prompt's tokens."""

    cached_tokens: int = Field(0, ge=0, description="Still known from an earlier request.")
    audio_tokens: int = Field(0, ge=0, description="Always 0.")


class CompletionDetails(Said):
    """Of the tokens that were generated: OpenAI's counts, of which there are none here."""

    reasoning_tokens: int = Field(0, ge=0, description="Always 0: what a model thinks aloud is text of its answer.")
    audio_tokens: int = Field(0, ge=0, description="Always 0.")
    accepted_prediction_tokens: int = Field(0, ge=0, description="Always 0.")
    rejected_prediction_tokens: int = Field(0, ge=0, description="Always 0.")


class TokenUsage(Said):
    """The tokens of a request. A prompt counts once however many choices it has."""

    prompt_tokens: int = Field(ge=0, description="Of all prompts.")
    completion_tokens: int = Field(ge=0, description="Of all that was generated, also for choices not returned.")
    total_tokens: int = Field(ge=0, description="Both.")
    prompt_tokens_details: PromptDetails | None = Field(None, description="Of the prompt's tokens.")
    completion_tokens_details: CompletionDetails | None = Field(None, description="Of the tokens generated.")


class LikelyToken(Said):
    """A token, and how likely the model took it to be."""

    token: str = Field(description="Its text.")
    logprob: float = Field(description="The natural logarithm of its probability, before temperature and filters.")
    bytes: list[int] | None = Field(description="Its text as UTF-8: a token may be a part of a character.")


class ChosenToken(LikelyToken):
    """A token of the answer."""

    top_logprobs: list[LikelyToken] = Field(description="The likeliest tokens at its place.")


class ChatLogprobs(Said):
    """With `logprobs`: each token of the answer."""

    content: list[ChosenToken] | None = Field(description="An item a token.")
    refusal: list[ChosenToken] | None = Field(description="Always null.")


class RankedToken(Said):
    """vLLM's: a token at a place of the prompt."""

    logprob: float = Field(description="The natural logarithm of its probability.")
    rank: int | None = Field(description="1 is the likeliest; null below those asked for.")
    decoded_token: str | None = Field(description="Its text.")


PromptLogprobs = list[dict[str, RankedToken] | None]
Finish = Literal["stop", "length", "tool_calls", "content_filter", "function_call"]
_STOP_REASON = "vLLM's: which stop string or token id of the request ended it."
_FINGERPRINT = "Another one: the same seed may give another text."
_PROMPT_LOGPROBS = "vLLM's, if asked for: an item a token of the prompt, by token ids. The first one is null."


class MadeFunction(Said):
    """What the model wants to be called."""

    name: str = Field(description="The function.")
    arguments: str = Field(description="As the model wrote it: JSON for sure only where the call was forced.")


class MadeCall(Said):
    """A call of a tool."""

    id: str = Field(description="For the `tool_call_id` of its result.")
    type: Literal["function"] = Field(description="There is no other type.")
    function: MadeFunction = Field(description="What to call.")


class AnswerMessage(Said):
    """What the model says."""

    role: Literal["assistant"] = Field(description="Always the assistant.")
    content: str | None = Field(description="The text; null when there are only calls.")
    refusal: str | None = Field(None, description="Always null.")
    annotations: list[dict[str, object]] = Field([], description="Always empty.")
    tool_calls: list[MadeCall] = Field([], description="Only when there are some.")


class ChatChoice(Said):
    """One answer of a chat."""

    index: int = Field(ge=0, description="From 0.")
    message: AnswerMessage = Field(description="The answer.")
    logprobs: ChatLogprobs | None = Field(description="If asked for.")
    finish_reason: Finish = Field(description="Why it ended.")
    stop_reason: str | int | None = Field(None, description=_STOP_REASON)


class Shared(Said):
    """What all answers that generate have."""

    id: str = Field(description="Of this answer.")
    created: int = Field(description="Unix seconds.")
    model: str = Field(description="The model's own name.")
    system_fingerprint: str | None = Field(None, description=_FINGERPRINT)


class ChatCompletion(Shared):
    """The answer of POST /v1/chat/completions."""

    object: Literal["chat.completion"] = Field(description="What this is.")
    choices: list[ChatChoice] = Field(min_length=1, description="`n` of them.")
    usage: TokenUsage = Field(description="What it took.")
    service_tier: str | None = Field(None, description="Always `default`.")
    prompt_logprobs: PromptLogprobs | None = Field(None, description=_PROMPT_LOGPROBS)


class FunctionDelta(Said):
    """What a chunk adds to a call."""

    name: str | None = Field(None, description="In the first one.")
    arguments: str = Field("", description="Pieces to be joined.")


class CallDelta(Said):
    """What a chunk adds to the calls of tools."""

    index: int = Field(ge=0, description="Which call of the message.")
    id: str | None = Field(None, description="In the first one.")
    type: Literal["function"] | None = Field(None, description="In the first one.")
    function: FunctionDelta | None = Field(None, description="What it adds.")


class MessageDelta(Said):
    """What a chunk adds to the message."""

    role: Literal["assistant"] | None = Field(None, description="In the first one.")
    content: str | None = Field(None, description="Text to be joined.")
    refusal: str | None = Field(None, description="Always null.")
    tool_calls: list[CallDelta] = Field([], description="Calls that begin or go on.")


class ChatChunkChoice(Said):
    """What a chunk adds to one answer."""

    index: int = Field(ge=0, description="Which answer.")
    delta: MessageDelta = Field(description="What it adds.")
    logprobs: ChatLogprobs | None = Field(None, description="If asked for.")
    finish_reason: Finish | None = Field(description="Why it ended, in the last one.")
    stop_reason: str | int | None = Field(None, description=_STOP_REASON)


class ChatCompletionChunk(Shared):
    """An event of a chat's stream."""

    object: Literal["chat.completion.chunk"] = Field(description="What this is.")
    choices: list[ChatChunkChoice] = Field(description="Empty in the chunk that only counts.")
    usage: TokenUsage | None = Field(None, description="With `include_usage`; null before the last.")
    service_tier: str | None = Field(None, description="Always `default`.")


class TextLogprobs(Said):
    """With `logprobs`: lists with an item a token."""

    tokens: list[str] = Field(description="Their texts.")
    token_logprobs: list[float | None] = Field(description="Null for the first one of a prompt.")
    top_logprobs: list[dict[str, float] | None] | None = Field(description="By text: the likeliest, and the token.")
    text_offset: list[int] = Field(description="Where each begins, in characters.")


class TextChunkChoice(Said):
    """What an event of a stream adds to one answer."""

    index: int = Field(ge=0, description="From 0: the choices of the first prompt, then of the next.")
    text: str = Field(description="The text, or what is added to it.")
    logprobs: TextLogprobs | None = Field(None, description="If asked for.")
    finish_reason: Finish | None = Field(description="Why it ended; null before it does.")
    stop_reason: str | int | None = Field(None, description=_STOP_REASON)


class TextChoice(TextChunkChoice):
    """One answer to a prompt."""

    finish_reason: Finish = Field(description="Why it ended.")
    prompt_logprobs: PromptLogprobs | None = Field(None, description=_PROMPT_LOGPROBS)


class TextCompletion(Shared):
    """The answer of POST /v1/completions."""

    object: Literal["text_completion"] = Field(description="What this is.")
    choices: list[TextChoice] = Field(min_length=1, description="`n` for each prompt.")
    usage: TokenUsage = Field(description="What it took.")


class TextCompletionChunk(Shared):
    """An event of a completion's stream."""

    object: Literal["text_completion"] = Field(description="What this is.")
    choices: list[TextChunkChoice] = Field(description="Empty in the chunk that only counts.")
    usage: TokenUsage | None = Field(None, description="With `include_usage`; null before the last.")


class EmbeddingUsage(Said):
    """The tokens of the texts."""

    prompt_tokens: int = Field(ge=0, description="Of all texts.")
    total_tokens: int = Field(ge=0, description="The same.")


class Embedding(Said):
    """The vector of a text."""

    object: Literal["embedding"] = Field(description="What this is.")
    index: int = Field(ge=0, description="Which of the request's texts.")
    embedding: list[float] | str = Field(description="Numbers, or base64 of little-endian 32-bit floats.")


class EmbeddingList(Said):
    """The answer of POST /v1/embeddings."""

    object: Literal["list"] = Field(description="What this is.")
    data: list[Embedding] = Field(description="One a text, in their order.")
    model: str = Field(description="The model's own name.")
    usage: EmbeddingUsage = Field(description="What it took.")


class TokenList(Said):
    """The answer of POST /tokenize."""

    count: int = Field(ge=0, description="How many.")
    max_model_len: int = Field(ge=0, description="The length of the model's context.")
    tokens: list[int] = Field(description="Their ids.")
    token_strs: list[str] | None = Field(None, description="Their texts, if asked for.")


class TokenText(Said):
    """The answer of POST /detokenize."""

    prompt: str = Field(description="The text, special tokens by their names.")
