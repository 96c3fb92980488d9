"""How long an engine may say nothing in the middle of its answer: one timer a stream, whatever the number of chunks."""

from __future__ import annotations

import asyncio

import aiohttp


class Silence:
    """Ends a read of the body that waits for too long; aiohttp's own timer is set anew with each chunk.

    `since` is when the read began that waits now, in the loop's seconds; None while nobody waits, such as for a client
    that does not read.
    """

    def __init__(self, response: aiohttp.ClientResponse, limit_s: float) -> None:
        self.since: float | None = None
        self._content = response.content
        self._limit_s = limit_s
        self._loop = asyncio.get_running_loop()
        # Without a connection all has arrived.
        if (connection := response.connection) is not None and connection.protocol is not None:
            connection.protocol.read_timeout = None  # for this answer only
        self._timer = self._loop.call_later(limit_s, self._look)

    def end(self) -> None:
        """Nobody reads any more."""
        self._timer.cancel()

    def _look(self) -> None:
        waited = 0.0 if self.since is None else self._loop.time() - self.since
        if waited < self._limit_s:
            self._timer = self._loop.call_later(self._limit_s - waited, self._look)
        else:
            self._content.set_exception(aiohttp.SocketTimeoutError(f"Nothing came for {waited:.1f} s."))
