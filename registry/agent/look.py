"""Looking at what may be slow or hang: drivers, file systems, other processes. Never in the agent's cycle."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic, TypeVar

T = TypeVar("T")


class Look(Generic[T]):
    """One look at a time, in a thread of its own. What it raises is raised where its result is taken."""

    def __init__(self, name: str) -> None:
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix=f"agent-{name}")
        self._running: Future[T] | None = None

    @property
    def busy(self) -> bool:
        """Whether a look is going on, or has a result that nobody took."""
        return self._running is not None

    def begin(self, look: Callable[[], T]) -> bool:
        """Start a look. False: one is still going on."""
        if self._running is not None:
            return False
        self._running = self._pool.submit(look)
        return True

    def result(self) -> T | None:
        """What was seen, once; None while there is nothing new."""
        if self._running is None or not self._running.done():
            return None
        done, self._running = self._running, None
        return done.result()

    def close(self) -> bool:
        """No more looks. False: one hangs, and the interpreter would wait for it."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        return self._running is None or self._running.done()
