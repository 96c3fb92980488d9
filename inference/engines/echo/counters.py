"""What the echo engine has done so far."""

from __future__ import annotations

import collections
import time
from collections.abc import Callable

from inference.engines.base import EngineStats

# Seconds over which tokens per second are averaged: long enough to be steady, short enough to fall when work ends.
_WINDOW_S = 5


class Counters:
    """Counts of sequences and tokens; the clock is in seconds and must not go back."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._running = 0
        self._tokens = 0
        self._aborted = 0
        self._stepped_at = clock()
        # (second, tokens in it), the newest last: a few entries, however many tokens.
        self._recent: collections.deque[list[int]] = collections.deque(maxlen=_WINDOW_S + 1)

    def started(self) -> None:
        """A sequence began."""
        if not self._running:
            self._stepped_at = self._clock()
        self._running += 1

    def ended(self, *, aborted: bool) -> None:
        """A sequence ended, or was given up by the one who asked for it."""
        self._running -= 1
        self._aborted += aborted

    def token(self) -> None:
        """One more token."""
        self._tokens += 1
        self._stepped_at = self._clock()
        second = int(self._stepped_at)
        if self._recent and self._recent[-1][0] == second:
            self._recent[-1][1] += 1
        else:
            self._recent.append([second, 1])

    def stats(self) -> EngineStats:
        """The counters now; nothing ever waits."""
        oldest = int(self._clock()) - _WINDOW_S
        recent = sum(count for second, count in self._recent if second > oldest)
        return EngineStats(
            running=self._running,
            tokens_total=self._tokens,
            tokens_per_second=recent / _WINDOW_S,
            aborted_total=self._aborted,
            stalled_s=self._clock() - self._stepped_at if self._running else 0.0,
        )
