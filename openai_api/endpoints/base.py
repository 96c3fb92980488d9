"""What every endpoint has that wants an API key."""

from __future__ import annotations

from typing import ClassVar

from inference.protocol.errors import ApiError, NotFound
from openai_api import lifespan
from openai_api.caller import Caller
from openai_api.consumer import StreamingConsumer
from openai_api.gateway import Gateway
from openai_api.models import Scope


class ApiConsumer(StreamingConsumer):
    """An endpoint that wants an API key."""

    gateway: Gateway
    caller: Caller
    # What a key must be for.
    scope_needed: ClassVar[Scope] = Scope.INFERENCE

    async def authorize(self) -> None:
        """Leaves the gateway and the caller on the consumer."""
        self.gateway = lifespan.current()
        await self.gateway.wait_until_loaded()
        self.caller = self.gateway.authenticate(self.header(b"authorization"), client=self.client_address())
        self.caller.require(self.scope_needed)

    async def _refuse(self, error: ApiError) -> None:
        lifespan.current().books.metrics.refused(error.status)
        await super()._refuse(error)


class UnknownEndpoint(StreamingConsumer):
    """Whatever else is asked for under /v1."""

    methods: ClassVar[tuple[str, ...]] = ("GET", "POST", "PUT", "PATCH", "DELETE")

    async def authorize(self) -> None:
        """404 for everybody, before any body is read."""
        raise NotFound(f"There is nothing at {self.scope['path'][:200]}; GET /v1/models lists the models.")
