"""The endpoints of the OpenAI format, and the two that tell a load balancer how this process is."""

from __future__ import annotations

from typing import Any, ClassVar

import orjson

from inference.protocol.body import parse_body
from inference.protocol.errors import NotFound, ServiceUnavailable
from inference.protocol.modelcard import model_card, model_list
from openai_api import lifespan
from openai_api.consumer import StreamingConsumer
from openai_api.errors import UnknownModel
from openai_api.gateway import Gateway
from openai_api.keys import KeyFacts
from openai_api.relay import Answer
from registry.catalog import CatalogModel

STREAM_HEADERS = {
    "cache-control": "no-cache",
    # Reverse proxies such as nginx hold back what they do not know to be a stream.
    "x-accel-buffering": "no",
}


class ApiConsumer(StreamingConsumer):
    """An endpoint that wants an API key."""

    gateway: Gateway
    key: KeyFacts

    async def authorize(self) -> None:
        """Leaves the gateway and the key's facts on the consumer."""
        self.gateway = lifespan.current()
        await self.gateway.wait_until_loaded()
        self.key = self.gateway.authenticate(self.header(b"authorization"))


class GenerationConsumer(ApiConsumer):
    """POST /v1/chat/completions, /v1/completions, /v1/embeddings: one body in, one replica's answer out."""

    methods: ClassVar[tuple[str, ...]] = ("POST",)

    def __init__(self, capability: str) -> None:
        self.capability = capability

    async def handle(self, body: bytes) -> None:
        """Check, ask, relay."""
        call = self.gateway.call(self.capability, parse_body(body), request_id=self.request_id)
        async with self.gateway.answer(call) as answer:
            if answer.streams:
                await self._relay(answer)
                return
            whole = b"".join([chunk async for chunk in answer.chunks])
        await self.send_response(answer.status, whole, headers=answer.headers)

    async def _relay(self, answer: Answer) -> None:
        await self.send_headers(status=answer.status, headers={**answer.headers, **STREAM_HEADERS})
        async for chunk in answer.chunks:
            await self.send_body(chunk, more_body=True)
        await self.send_body(b"")


class ModelsConsumer(ApiConsumer):
    """GET /v1/models: every name that a request may use, aliases too."""

    async def handle(self, body: bytes) -> None:
        """Models first, each followed by its aliases."""
        cards = [_card(name, model) for model in self.gateway.board.catalog.models for name in _names(model)]
        await self.send_response(200, orjson.dumps(model_list(cards)))


class ModelConsumer(ApiConsumer):
    """GET /v1/models/{id}; the id may have slashes."""

    async def handle(self, body: bytes) -> None:
        """The card, or 404."""
        name = self.scope["url_route"]["kwargs"]["name"]
        models = self.gateway.board.models
        if name not in models:
            raise UnknownModel(name, models)
        await self.send_response(200, orjson.dumps(_card(name, models[name])))


class HealthConsumer(StreamingConsumer):
    """GET /health: this process answers."""

    async def handle(self, body: bytes) -> None:
        """Always 200."""
        await self.send_response(200, b'{"status":"ok"}')


class ReadyConsumer(StreamingConsumer):
    """GET /ready: this process knows its routes and may get traffic."""

    async def handle(self, body: bytes) -> None:
        """200 or 503."""
        if not lifespan.current().board.loaded.is_set():
            raise ServiceUnavailable("The server is starting: it could not read its database yet.")
        await self.send_response(200, b'{"status":"ready"}')


class UnknownEndpoint(StreamingConsumer):
    """Whatever else is asked for under /v1."""

    methods: ClassVar[tuple[str, ...]] = ("GET", "POST", "PUT", "PATCH", "DELETE")

    async def authorize(self) -> None:
        """404 for everybody, before any body is read."""
        raise NotFound(f"There is nothing at {self.scope['path'][:200]}; GET /v1/models lists the models.")


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
