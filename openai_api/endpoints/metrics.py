"""GET /metrics: figures for Prometheus, of the process that answers."""

from __future__ import annotations

from typing import ClassVar

from openai_api.endpoints.base import ApiConsumer
from openai_api.models import Scope
from openai_api.usage.metrics import CONTENT_TYPE


class MetricsConsumer(ApiConsumer):
    """Wants a key that may read."""

    scope_needed: ClassVar[Scope] = Scope.READ

    async def handle(self, body: bytes) -> None:
        """Prometheus's text format."""
        text = self.gateway.books.metrics.text(self.gateway.board.catalog)
        await self.send_response(200, text, headers={"content-type": CONTENT_TYPE})
