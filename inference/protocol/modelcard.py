"""The objects of /v1/models."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


def model_card(name: str, created: int, *, owned_by: str = "modelyard", **extra: Any) -> dict[str, Any]:
    """One model; `created` in Unix seconds. Keys beyond OpenAI's, such as `context_length`, come after its own."""
    return {"id": name, "object": "model", "created": created, "owned_by": owned_by, **extra}


def model_list(cards: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """The answer of GET /v1/models."""
    return {"object": "list", "data": list(cards)}
