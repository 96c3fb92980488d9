"""POST /v1/chat/completions, /v1/completions, /v1/embeddings."""

from __future__ import annotations

import asyncio
from typing import ClassVar

from inference.protocol.body import parse_body
from openai_api.call import Call
from openai_api.endpoints.base import ApiConsumer
from openai_api.errors import UnsupportedBody
from openai_api.relay import Answer

# Of a body that is checked beside the event loop: a megabyte of short messages takes a tenth of a second.
LARGE_BYTES = 100_000
STREAM_HEADERS = {
    "cache-control": "no-cache",
    # Reverse proxies such as nginx hold back what they do not know to be a stream.
    "x-accel-buffering": "no",
}


class GenerationConsumer(ApiConsumer):
    """One body in, one replica's answer out."""

    methods: ClassVar[tuple[str, ...]] = ("POST",)

    def __init__(self, capability: str) -> None:
        self.capability = capability

    async def authorize(self) -> None:
        """Only what is said to be JSON is read: a page of a stranger cannot say so without asking first."""
        await super().authorize()
        kind = self.header(b"content-type").partition(";")[0].strip().lower()
        if kind and kind != "application/json" and not kind.endswith("+json"):
            raise UnsupportedBody(f"A body of '{kind[:80]}' is not read here: send 'Content-Type: application/json'.")

    async def handle(self, body: bytes) -> None:
        """Check, ask, relay."""
        large = len(body) > LARGE_BYTES
        call = await asyncio.to_thread(self._checked, body) if large else self._checked(body)
        async with self.gateway.answer(call) as answer:
            if answer.streams:
                await self._relay(answer)
                return
            whole = b"".join([chunk async for chunk in answer.chunks])
        await self.send_response(answer.status, whole, headers=answer.headers)

    def _checked(self, body: bytes) -> Call:
        return self.gateway.call(self.capability, parse_body(body), caller=self.caller, request_id=self.request_id)

    async def _relay(self, answer: Answer) -> None:
        await self.send_headers(status=answer.status, headers={**answer.headers, **STREAM_HEADERS})
        async for chunk in answer.chunks:
            await self.send_events(chunk)
        await self.end_events()
