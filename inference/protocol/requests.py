"""What all requests share: strict types, null as absent, one sentence when something is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from inference.protocol.problems import bad_request, json_type, problem
from inference.protocol.refusals import Refusal, refuse

MAX_STOPS = 16
_INT64 = 2**63


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

    model: str = Field(min_length=1)
    user: str | None = None

    @classmethod
    def parse(cls, body: Mapping[str, Any]) -> Self:
        """The validated request. Raises `BadRequest` with the field's name for the first thing that is wrong."""
        try:
            request = cls.model_validate(dict(body))
        except ValidationError as error:
            raise bad_request(error) from None
        refuse(body, cls.refusals)
        return request


class StreamOptions(StrictModel):
    """Options that only a stream has."""

    include_usage: bool = False


class GenerationRequest(ApiRequest):
    """What chat and completions share. None leaves the choice to the model's own defaults."""

    max_tokens: int | None = Field(None, ge=1)
    n: int = Field(1, ge=1, le=128)
    temperature: float | None = Field(None, ge=0, le=2)
    top_p: float | None = Field(None, ge=0, le=1)
    # 0 and -1 both mean "all tokens": clients of other servers send either.
    top_k: int | None = Field(None, ge=-1)
    min_p: float | None = Field(None, ge=0, le=1)
    presence_penalty: float = Field(0.0, ge=-2, le=2)
    frequency_penalty: float = Field(0.0, ge=-2, le=2)
    repetition_penalty: float | None = Field(None, gt=0, le=10)
    seed: int | None = Field(None, ge=-_INT64, le=_INT64 - 1)
    stop: Annotated[tuple[str, ...], BeforeValidator(_stops)] = ()
    ignore_eos: bool = False
    stream: bool = False
    stream_options: StreamOptions | None = None

    @model_validator(mode="after")
    def _options_need_a_stream(self) -> Self:
        if self.stream_options is not None and not self.stream:
            raise problem("is only allowed when 'stream' is true", at="stream_options")
        return self

    @property
    def include_usage(self) -> bool:
        """Whether the stream ends with a chunk that counts tokens."""
        return self.stream_options is not None and self.stream_options.include_usage

    @property
    def token_limit(self) -> int | None:
        """The most tokens to generate for one choice; None is what is left of the context."""
        return self.max_tokens
