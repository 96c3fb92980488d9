"""So many requests of Django's work at a time; the others wait for their turn."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from weakref import WeakKeyDictionary

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

# Each takes a thread and a connection to Postgres: more at once are not faster, and connections come to an end.
AT_ONCE = 16


class ConcurrencyLimit:
    """An ASGI application around another. A turn begins when the body is here and ends when the answer begins."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._free: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = WeakKeyDictionary()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Slow clients hold nobody up, neither while they send nor while they read."""
        turn = _Turn(self._free.setdefault(asyncio.get_running_loop(), asyncio.Semaphore(AT_ONCE)))

        async def hear() -> Any:
            message = await receive()
            if message["type"] == "http.request" and not message.get("more_body"):
                await turn.begin()
            return message

        async def say(message: Any) -> None:
            turn.end()
            await send(message)

        try:
            await self._app(scope, hear, say)
        finally:
            turn.end()


class _Turn:
    def __init__(self, free: asyncio.Semaphore) -> None:
        self._free = free
        self._held = False

    async def begin(self) -> None:
        if not self._held:
            await self._free.acquire()
            self._held = True

    def end(self) -> None:
        if self._held:
            self._held = False
            self._free.release()
