"""Fields of a chat that have no effect here: their types are checked, and a header of the answer names them."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from inference.protocol.requests import StrictModel

_OPENAIS = "It is about OpenAI's own service."
_CACHED = "Prompts are found in the cache by their beginnings."
_SWITCHED = "Models that know such a switch have it in their templates: `chat_template_kwargs`."


class IdleChatFields(StrictModel):
    """What is about OpenAI's own service, or about models that think apart from their answers."""

    store: bool | None = Field(None, description=_OPENAIS)
    metadata: dict[str, str] | None = Field(None, description=_OPENAIS)
    service_tier: Literal["auto", "default", "flex", "scale", "priority", "fast"] | None = Field(
        None, description="The answer's is always `default`."
    )
    safety_identifier: str | None = Field(None, description=_OPENAIS)
    prompt_cache_key: str | None = Field(None, description=_CACHED)
    prompt_cache_retention: str | None = Field(None, description=_CACHED)
    prompt_cache_options: dict[str, Any] | None = Field(None, description=_CACHED)
    reasoning_effort: Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"] | None = Field(
        None, description=_SWITCHED
    )
    verbosity: Literal["low", "medium", "high"] | None = Field(None, description=_SWITCHED)
    prediction: dict[str, Any] | None = Field(None, description="It would make an answer faster, not different.")
