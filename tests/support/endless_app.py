"""An ASGI application that streams for ever and counts how often it was stopped: for servers in other processes."""

from __future__ import annotations

import asyncio

from django.conf import settings

settings.configure(
    MODELYARD_MAX_BODY_BYTES=1000,
    MODELYARD_BODY_TIMEOUT_S=60,
    MODELYARD_BODY_IDLE_S=20,
    MODELYARD_CORS_ORIGINS=frozenset("*"),
)

from openai_api.consumer import StreamingConsumer  # noqa: E402 - it wants settings

BRIEF = 20  # events, 30 ms apart
stopped = 0


class Endless(StreamingConsumer):
    async def handle(self, body: bytes) -> None:
        global stopped  # noqa: PLW0603 - the whole state of this little program
        if self.scope["path"] == "/stopped":
            await self.send_response(200, b"%d" % stopped)
            return
        await self.send_headers(headers={"content-type": "text/event-stream"})
        if self.scope["path"] == "/brief":
            for number in range(BRIEF):
                await self.send_body(b"data: %d\n\n" % number, more_body=True)
                await asyncio.sleep(0.03)
            await self.end_events()
            return
        try:
            await self.send_body(b"data: first\n\n", more_body=True)
            await asyncio.sleep(3600)  # as while an engine works on a long prompt
        finally:
            stopped += 1


application = Endless.as_asgi()
