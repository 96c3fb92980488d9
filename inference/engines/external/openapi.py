"""What a server can do, by its own OpenAPI description and list of models."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from inference.engines.base import Capability
from inference.engines.external.engine import Card
from inference.engines.external.probe import Probe
from inference.protocol.capabilities import ENDPOINTS


def card_of(probe: Probe) -> Card | None:
    """None while one of the two pages does not answer."""
    described, models = probe.json("/openapi.json"), probe.json("/v1/models")
    if not isinstance(described, dict) or not isinstance(models, dict):
        return None
    return Card(_capabilities(described.get("paths") or {}), _context(models))


def _capabilities(paths: Mapping[str, Any]) -> frozenset[Capability]:
    return frozenset(Capability(name) for name, path in ENDPOINTS.items() if path in paths)


def _context(models: Mapping[str, Any]) -> int:
    listed = models.get("data") or [{}]
    length = listed[0].get("max_model_len")
    return length if isinstance(length, int) else 0
