"""GET /health and /ready: how this process is, for load balancers."""

from __future__ import annotations

from inference.protocol.errors import ServiceUnavailable
from openai_api import lifespan
from openai_api.consumer import StreamingConsumer


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
