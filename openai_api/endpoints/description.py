"""GET /v1/openapi.json: this API, described by OpenAPI 3.1."""

from __future__ import annotations

import asyncio

from django.conf import settings

from openai_api.consumer import StreamingConsumer
from openai_api.schema.document import description


class DescriptionConsumer(StreamingConsumer):
    """For everybody: it tells what the program can do, and nothing of this installation."""

    async def handle(self, body: bytes) -> None:
        """The document. Making it takes a moment, once; other requests go on meanwhile."""
        await self.send_response(200, await asyncio.to_thread(description, anonymous=settings.MODELYARD_ANONYMOUS))
