"""Fields of a chat that have no effect here: their types are checked, and a header of the answer names them."""

from __future__ import annotations

from typing import Any, Literal

from inference.protocol.requests import StrictModel


class IdleChatFields(StrictModel):
    """What is about OpenAI's own service, or about models that think apart from their answers."""

    store: bool | None = None
    metadata: dict[str, str] | None = None
    service_tier: Literal["auto", "default", "flex", "scale", "priority", "fast"] | None = None
    safety_identifier: str | None = None
    prompt_cache_key: str | None = None
    prompt_cache_retention: str | None = None
    prompt_cache_options: dict[str, Any] | None = None
    reasoning_effort: Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"] | None = None
    verbosity: Literal["low", "medium", "high"] | None = None
    prediction: dict[str, Any] | None = None
