"""GET /v1/models."""

from __future__ import annotations

from typing import Any

import orjson

from inference.protocol.modelcard import model_card, model_list
from openai_api.endpoints.base import ApiConsumer
from openai_api.errors import UnknownModel
from registry.catalog import CatalogModel


class ModelsConsumer(ApiConsumer):
    """GET /v1/models: every name that a request may use, aliases too."""

    async def handle(self, body: bytes) -> None:
        """Models first, each followed by its aliases."""
        models = [model for model in self.gateway.board.catalog.models if self.caller.may_ask(model.name)]
        cards = [_card(name, model) for model in models for name in _names(model)]
        await self.send_response(200, orjson.dumps(model_list(cards)))


class ModelConsumer(ApiConsumer):
    """GET /v1/models/{id}; the id may have slashes."""

    async def handle(self, body: bytes) -> None:
        """The card, or 404."""
        name = self.scope["url_route"]["kwargs"]["name"]
        models = self.gateway.models(self.caller)
        if name not in models:
            raise UnknownModel(name, models)
        await self.send_response(200, orjson.dumps(_card(name, models[name])))


def _names(model: CatalogModel) -> tuple[str, ...]:
    return (model.name, *sorted(model.aliases))


def _card(name: str, model: CatalogModel) -> dict[str, Any]:
    extra: dict[str, Any] = {
        "state": str(model.status.state),
        "status": f"{model.name} {model.status.story}.",
        "capabilities": list(model.capabilities),
        "context_length": model.context_length,
    }
    if name != model.name:
        extra["alias_of"] = model.name
    return model_card(name, model.created, **extra)
