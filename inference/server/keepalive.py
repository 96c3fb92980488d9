"""Comments in a stream while it has nothing else to say, so that nobody on the way takes the connection for dead."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from inference.protocol.stream import KEEP_ALIVE
from inference.service import Service

# Servers of others may end their lines as HTTP does.
_ENDS = (b"\n\n", b"\r\n\r\n")


class Events:
    """A stream of events, and when something of it was written last, on the event loop's clock."""

    def __init__(self, stream: web.StreamResponse) -> None:
        self._stream = stream
        self._clock = asyncio.get_running_loop().time
        self._whole = True
        self.written_at = self._clock()

    async def write(self, data: bytes) -> None:
        """Send events, or a part of one."""
        self.written_at = self._clock()
        self._whole = not data or data.endswith(_ENDS)
        await self._stream.write(data)

    async def keep_alive(self, service: Service) -> None:
        """Write a comment whenever nothing was written for some seconds, as long as the engine moves."""
        every_s = service.config.keepalive_s
        while True:
            silent_s = self._clock() - self.written_at
            await asyncio.sleep(max(0.0, every_s - silent_s))
            if self._clock() - self.written_at < every_s:
                continue
            self.written_at = self._clock()
            # Half an event would swallow it.
            if self._whole and service.moves():
                await self._stream.write(KEEP_ALIVE)


@asynccontextmanager
async def kept_alive(stream: web.StreamResponse, service: Service) -> AsyncIterator[Events]:
    """Events with comments in their pauses, until the block is left."""
    events = Events(stream)
    beating = asyncio.create_task(events.keep_alive(service))
    try:
        yield events
    finally:
        beating.cancel()
        # A client that is gone is noticed by whoever writes next.
        await asyncio.gather(beating, return_exceptions=True)
