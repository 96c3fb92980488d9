"""How many requests run, how many there were, and when the last one is done."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator


class Traffic:
    """Counters of the event loop; other threads may read the numbers."""

    def __init__(self) -> None:
        self.in_flight = 0
        self.requests_total = 0
        self._idle = asyncio.Event()
        self._idle.set()

    @contextlib.contextmanager
    def request(self) -> Iterator[None]:
        """Count one request while it runs."""
        self.in_flight += 1
        self.requests_total += 1
        self._idle.clear()
        try:
            yield
        finally:
            self.in_flight -= 1
            if self.in_flight == 0:
                self._idle.set()

    async def idle(self) -> None:
        """Return when no request runs."""
        await self._idle.wait()
