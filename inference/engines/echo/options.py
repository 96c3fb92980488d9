"""The options of the echo engine, checked strictly."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, Strict, ValidationError

from inference.errors import LoadError
from inference.protocol.causes import Cause
from inference.protocol.problems import bad_request


class EchoOptions(BaseModel):
    """How the engine behaves. Counts of tokens are per sequence; None never happens."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid", allow_inf_nan=False)

    token_delay_ms: float = Field(0.0, ge=0)
    load_seconds: float = Field(0.0, ge=0)
    fail_load: str | None = None
    fail_cause: Annotated[Cause, Strict(False)] = Cause.CRASHED
    crash_after_tokens: int | None = Field(None, ge=0)
    crash_signal: Literal["SIGKILL", "SIGSEGV", "SIGABRT"] | None = None
    hang_after_tokens: int | None = Field(None, ge=0)
    memory_mb: int = Field(0, ge=0)
    context_length: int = Field(4096, ge=2)
    dimensions: int = Field(384, ge=1, le=65536)
    capabilities: list[Literal["chat", "completions", "embeddings"]] = ["chat", "completions", "embeddings"]
    require_path: bool = False
    tool_format: Literal["hermes", "llama3"] | None = None

    @classmethod
    def parse(cls, raw: Mapping[str, Any]) -> Self:
        """The options of a launch. Raises `LoadError` for one that is unknown or cannot be."""
        unknown = sorted(raw.keys() - cls.model_fields.keys())
        if unknown:
            known = ", ".join(cls.model_fields)
            reason = f"The engine 'echo' has no option '{unknown[0]}'."
            raise LoadError(reason, Cause.OPTIONS, hint=f"It has: {known}.")
        try:
            return cls.model_validate(dict(raw))
        except ValidationError as error:
            reason = f"An option of the engine 'echo' cannot be used: {bad_request(error)}"
            raise LoadError(reason, Cause.OPTIONS) from error
