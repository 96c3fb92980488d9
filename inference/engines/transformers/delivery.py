"""From the decode thread to the event loops of those who wait: one wake-up a step, however many sequences."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Sequence
from contextlib import suppress

from inference.engines.base import Delta
from inference.errors import InferenceError

Item = Delta | InferenceError


class Inbox:
    """Where the deltas of one sequence arrive, on the event loop that made it."""

    def __init__(self) -> None:
        self.event_loop = asyncio.get_running_loop()
        self._items: asyncio.Queue[Item] = asyncio.Queue()

    async def get(self) -> Delta:
        """The next delta. Raises the error that ended the sequence."""
        item = await self._items.get()
        if isinstance(item, InferenceError):
            raise item
        return item

    def put(self, item: Item) -> None:
        """Called on the event loop."""
        self._items.put_nowait(item)


def deliver(items: Iterable[tuple[Inbox, Item]]) -> None:
    """Hand the items over, in order; called from any thread."""
    by_loop: defaultdict[asyncio.AbstractEventLoop, list[tuple[Inbox, Item]]] = defaultdict(list)
    for inbox, item in items:
        by_loop[inbox.event_loop].append((inbox, item))
    for event_loop, batch in by_loop.items():
        # A loop that was closed meanwhile has nobody left who waits.
        with suppress(RuntimeError):
            event_loop.call_soon_threadsafe(_put_all, batch)


def _put_all(batch: Sequence[tuple[Inbox, Item]]) -> None:
    for inbox, item in batch:
        inbox.put(item)
