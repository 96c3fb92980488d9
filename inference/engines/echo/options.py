"""The options of the echo engine, checked strictly."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, Strict

from inference.engines.options import EngineOptions
from inference.protocol.causes import Cause


class EchoOptions(EngineOptions):
    """How the engine behaves. Counts of tokens are per sequence; None never happens.

    `max_running` is what it says that it runs at once; it refuses nobody. With `tells_time` each word of an answer is
    the moment at which it was made, in microseconds since 1970: so whoever reads it knows how long it was on its way.
    """

    engine = "echo"

    token_delay_ms: float = Field(0.0, ge=0)
    load_seconds: float = Field(0.0, ge=0)
    fail_load: str | None = None
    fail_cause: Annotated[Cause, Strict(False)] = Cause.CRASHED
    crash_after_tokens: int | None = Field(None, ge=0)
    crash_signal: Literal["SIGKILL", "SIGSEGV", "SIGABRT"] | None = None
    hang_after_tokens: int | None = Field(None, ge=0)
    memory_mb: int = Field(0, ge=0)
    context_length: int = Field(4096, ge=2)
    max_running: int | None = Field(None, ge=1)
    dimensions: int = Field(384, ge=1, le=65536)
    capabilities: list[Literal["chat", "completions", "embeddings"]] = ["chat", "completions", "embeddings"]
    require_path: bool = False
    tool_format: Literal["hermes", "llama3"] | None = None
    tells_time: bool = False
