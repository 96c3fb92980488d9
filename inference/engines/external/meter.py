"""The server's counters over time. Pure; clocks are monotonic, in seconds."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace

from inference.engines.base import EngineStats

# Seconds over which tokens per second are averaged, as for the engines of our own.
_WINDOW_S = 5.0


@dataclass(frozen=True, slots=True)
class Numbers:
    """What a server says of itself at one moment. `steps` is anything that grows whenever it computes."""

    running: int = 0
    waiting: int = 0
    tokens_total: int = 0
    steps: float = 0.0
    preempted_total: int = 0
    cache_tokens: int = 0
    cache_used_tokens: int = 0
    prefix_hit_tokens: int = 0


class Meter:
    """Keeps the newest numbers, and since when they stand still."""

    def __init__(self) -> None:
        # Replaced as a whole, or plain numbers: other threads read them.
        self._numbers = Numbers()
        self._rate = 0.0
        self._window: deque[tuple[float, int]] = deque()
        # Since when there is something to do and nothing moves.
        self._still_since: float | None = None

    def note(self, numbers: Numbers | None, *, in_flight: int, now: float) -> None:
        """Newer numbers, or None when the server did not answer; `in_flight` are requests that we wait for."""
        if numbers is None:
            self._still(since=now, busy=in_flight > 0)
            return
        moved = numbers.steps != self._numbers.steps
        self._still(since=now, busy=numbers.running + numbers.waiting > 0 and not moved)
        self._numbers = numbers
        self._window.append((now, numbers.tokens_total))
        while len(self._window) > 2 and self._window[1][0] <= now - _WINDOW_S:
            self._window.popleft()
        (begin, before), (end, after) = self._window[0], self._window[-1]
        self._rate = (after - before) / (end - begin) if end > begin else 0.0

    def stats(self, *, aborted: int, now: float) -> EngineStats:
        """As the heartbeat tells them."""
        numbers, still_since = self._numbers, self._still_since
        return EngineStats(
            running=numbers.running,
            waiting=numbers.waiting,
            tokens_total=numbers.tokens_total,
            tokens_per_second=self._rate,
            aborted_total=aborted,
            stalled_s=0.0 if still_since is None else now - still_since,
            preempted_total=numbers.preempted_total,
            cache_tokens=numbers.cache_tokens,
            cache_used_tokens=numbers.cache_used_tokens,
            prefix_hit_tokens=numbers.prefix_hit_tokens,
        )

    def gone(self) -> None:
        """The server has ended: nothing runs there any more, and its totals stay."""
        self._numbers = replace(self._numbers, running=0, waiting=0, cache_used_tokens=0)
        self._rate = 0.0
        self._still_since = None

    def _still(self, *, since: float, busy: bool) -> None:
        if not busy:
            self._still_since = None
        elif self._still_since is None:
            self._still_since = since
