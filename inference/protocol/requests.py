"""What all requests share: strict types, null as absent, one sentence when something is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from inference.protocol.images import Hosts
from inference.protocol.problems import bad_request, json_type, problem
from inference.protocol.prompts import TokenId, token_ids
from inference.protocol.refusals import Refusal, refuse

MAX_STOPS = 16
# The most likely tokens that may be asked for at each place; OpenAI's limit for chats.
MAX_TOPS = 20
# OpenAI's: a token with it is as good as forbidden, or forced.
STRONGEST_BIAS = 100
# How the description of several fields ends, or goes.
MODELS_OWN = "Absent: what the model's deployment or its `generation_config.json` says."
MAX_TOKENS = "The most tokens to generate for one choice. Absent: what is left of the context."
_INT64 = 2**63
_DIGITS = 18


def _stops(value: object) -> object:
    stops = [value] if isinstance(value, str) else value
    if not isinstance(stops, list):
        raise problem(f"must be a string or an array of strings, not {json_type(value)}")
    if len(stops) > MAX_STOPS:
        raise problem(f"must have at most {MAX_STOPS} strings, not {len(stops)}")
    for index, stop in enumerate(stops):
        if not isinstance(stop, str):
            raise problem(f"must be a string, not {json_type(stop)}", at=f"[{index}]")
        if not stop:
            raise problem("must not be empty", at=f"[{index}]" if stops is value else "")
    return tuple(stops)


def _stop_ids(value: object) -> object:
    if not isinstance(value, list):
        raise problem(f"must be an array of token ids, not {json_type(value)}")
    return token_ids(value)


def _biases(value: object) -> object:
    if not isinstance(value, dict):
        raise problem(f"must be an object with a number for each token id, not {json_type(value)}")
    return {_biased_token(key): _bias(bias, at=f".{key}") for key, bias in value.items()}


def _biased_token(key: str) -> int:
    # 18 digits are below 2**63; what the model's vocabulary has is for the engine to say.
    if not (key.isascii() and key.isdecimal() and len(key) <= _DIGITS):
        raise problem(f"must have token ids as its keys, not '{key[:50]}'")
    return int(key)


def _bias(value: object, *, at: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise problem(f"must be a number, not {json_type(value)}", at=at)
    if abs(value) > STRONGEST_BIAS:
        raise problem(f"must be between -{STRONGEST_BIAS} and {STRONGEST_BIAS}, not {value}", at=at)
    return float(value)


# What clients may write, for the description of the API; the validators say what is wrong in words.
NotEmpty = Annotated[str, Field(min_length=1)]
Stops = NotEmpty | Annotated[list[NotEmpty], Field(max_length=MAX_STOPS)]
Biases = dict[
    Annotated[str, Field(pattern=f"^[0-9]{{1,{_DIGITS}}}$")],
    Annotated[float, Field(ge=-STRONGEST_BIAS, le=STRONGEST_BIAS)],
]


class StrictModel(BaseModel):
    """An object of a request's body: no coercion, unknown fields ignored, null as absent."""

    model_config = ConfigDict(strict=True, frozen=True, extra="ignore", allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _null_is_absent(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        return {key: value for key, value in data.items() if value is not None}


class ApiRequest(StrictModel):
    """A request's body; `parse` is the one way in."""

    refusals: ClassVar[tuple[Refusal, ...]] = ()
    # Fields that are checked and have no effect.
    idle: ClassVar[frozenset[str]] = frozenset({"user"})

    model: str = Field(min_length=1, description="A model's name or one of its aliases.")
    user: str | None = Field(None, description="Whom the request is for, as OpenAI's clients say it.")

    @classmethod
    def parse(cls, body: Mapping[str, Any], *, images: Hosts | None = None) -> Self:
        """The validated request. Raises `BadRequest` with the field's name for the first thing that is wrong.

        `images` are the hosts that images may come from; None: the model reads text only.
        """
        try:
            request = cls.model_validate(dict(body), context=images)
        except ValidationError as error:
            raise bad_request(error) from None
        refuse(body, cls.refusals)
        return request

    @classmethod
    def ignored(cls, body: Mapping[str, Any]) -> list[str]:
        """The fields of a valid body that have no effect: those that are unknown, and those that are idle."""
        # What a refusal lets pass asks for what happens anyway.
        used = (cls.model_fields.keys() - cls.idle) | {refusal.param for refusal in cls.refusals}
        return sorted(name for name, value in body.items() if value is not None and name not in used)


class StreamOptions(StrictModel):
    """Options that only a stream has."""

    include_usage: bool = Field(False, description="The last chunk before `[DONE]` counts the request's tokens.")
    # As in vLLM, only together with `include_usage`.
    continuous_usage_stats: bool = Field(
        False, description="vLLM's: with `include_usage`, every chunk counts, not only the last."
    )


class GenerationRequest(ApiRequest):
    """What chat and completions share. None leaves the choice to the model's own defaults."""

    max_tokens: int | None = Field(None, ge=1, description=MAX_TOKENS)
    n: int = Field(1, ge=1, le=128, description="How many choices to generate; choice *i* uses `seed` + *i*.")
    temperature: float | None = Field(
        None, ge=0, le=2, description=f"0 takes the likeliest token, higher values make it more random. {MODELS_OWN}"
    )
    top_p: float | None = Field(
        None, ge=0, le=1, description=f"Only the likeliest tokens that together have this probability. {MODELS_OWN}"
    )
    # 0 and -1 both mean "all tokens": clients of other servers send either.
    top_k: int | None = Field(
        None, ge=-1, description=f"Only so many of the likeliest tokens; 0 and -1: all. {MODELS_OWN}"
    )
    min_p: float | None = Field(
        None, ge=0, le=1, description=f"Only tokens at least this share as likely as the likeliest one. {MODELS_OWN}"
    )
    presence_penalty: float = Field(
        0.0, ge=-2, le=2, description="Taken from the logits of tokens that the answer has already."
    )
    frequency_penalty: float = Field(
        0.0, ge=-2, le=2, description="Taken from a token's logit once for each time that the answer has it."
    )
    repetition_penalty: float | None = Field(
        None,
        gt=0,
        le=10,
        description=f"Above 1: tokens of prompt and answer become less likely again; below: more. {MODELS_OWN}",
    )
    seed: int | None = Field(
        None, ge=-_INT64, le=_INT64 - 1, description="The same request with the same seed gives the same text."
    )
    logit_bias: Annotated[dict[int, float], BeforeValidator(_biases, json_schema_input_type=Biases)] = Field(
        default_factory=dict,
        description="Token ids as strings, each with a number that is added to its logit.",
        json_schema_extra={"additionalProperties": False},
    )
    stop: Annotated[tuple[str, ...], BeforeValidator(_stops, json_schema_input_type=Stops)] = Field(
        (), description="Texts at which the answer ends; found across tokens, and not part of the answer."
    )
    stop_token_ids: Annotated[tuple[int, ...], BeforeValidator(_stop_ids, json_schema_input_type=list[TokenId])] = (
        Field((), description="vLLM's: tokens at which the answer ends.")
    )
    include_stop_str_in_output: bool = Field(False, description="vLLM's: the stop string is part of the answer.")
    min_tokens: int = Field(0, ge=0, description="vLLM's: how many tokens come before any end.")
    ignore_eos: bool = Field(False, description="vLLM's: goes on to the limit of tokens, whatever the model says.")
    prompt_logprobs: int | None = Field(
        None,
        ge=0,
        le=MAX_TOPS,
        description="vLLM's: log probabilities of the prompt's tokens, with so many likeliest. Not with `stream`.",
    )
    stream: bool = Field(False, description="Answers in server-sent events, always ended by `[DONE]`.")
    stream_options: StreamOptions | None = Field(None, description="Only when `stream` is true.")

    @model_validator(mode="after")
    def _options_need_a_stream(self) -> Self:
        if self.stream_options is not None and not self.stream:
            raise problem("is only allowed when 'stream' is true", at="stream_options")
        return self

    @model_validator(mode="after")
    def _prompt_logprobs_come_whole(self) -> Self:
        if self.prompt_logprobs is not None and self.stream:
            raise problem("is not available when 'stream' is true", at="prompt_logprobs")
        return self

    @model_validator(mode="after")
    def _least_is_below_most(self) -> Self:
        if self.token_limit is not None and self.min_tokens > self.token_limit:
            raise problem(f"must be at most the limit of tokens, which is {self.token_limit}", at="min_tokens")
        return self

    @property
    def include_usage(self) -> bool:
        """Whether the stream ends with a chunk that counts tokens."""
        return self.stream_options is not None and self.stream_options.include_usage

    @property
    def continuous_usage(self) -> bool:
        """Whether every chunk of the stream counts tokens."""
        return self.include_usage and self.stream_options is not None and self.stream_options.continuous_usage_stats

    @property
    def token_limit(self) -> int | None:
        """The most tokens to generate for one choice; None is what is left of the context."""
        return self.max_tokens

    @property
    def candidates(self) -> int:
        """How many answers to generate for a prompt; the best `n` are returned."""
        return self.n

    @property
    def tops(self) -> int | None:
        """With how many of the likeliest tokens each generated one is returned; None: without log probabilities."""
        return None

    @property
    def echoes(self) -> bool:
        """Whether an answer begins with its prompt."""
        return False
