"""What the decode loop has done so far; written by its thread, read by any."""

from __future__ import annotations

import collections
import time
from collections.abc import Callable

# Seconds over which tokens per second are averaged: long enough to be steady, short enough to fall when work ends.
_WINDOW_S = 5


class Counters:
    """Totals since the start; the clock is in seconds and must not go back."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self.tokens = 0
        self.aborted = 0
        # (second, tokens in it), the newest last. Replaced, never changed: readers see an old one or a new one.
        self._recent: tuple[tuple[int, int], ...] = ()

    def add_tokens(self, count: int) -> None:
        """Count the tokens of one step."""
        self.tokens += count
        second = int(self._clock())
        by_second = collections.Counter(dict(self._recent))
        by_second[second] += count
        self._recent = tuple(sorted(by_second.items()))[-_WINDOW_S - 1 :]

    def tokens_per_second(self) -> float:
        """The average of the last seconds."""
        oldest = self._clock() - _WINDOW_S
        return sum(count for second, count in self._recent if second > oldest) / _WINDOW_S
