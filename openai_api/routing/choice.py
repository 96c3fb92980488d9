"""Which of a model's replicas takes a request: pure decisions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

from registry.catalog import Replica

# What a replica that names no capacity is taken to run at once, so that it compares with one that does.
NOMINAL_CAPACITY = 64
# How far above the mean a replica may be loaded and still get a conversation that it has in its cache.
MOST_ABOVE_MEAN = 1.25
EXTRA_REQUESTS = 1

# A random whole number from 0 up to, without, the one given.
Draw = Callable[[int], int]


@dataclass(frozen=True, slots=True)
class Load:
    """A replica, the requests that it has now, and how many it may have; None: as many as come."""

    replica: Replica
    in_flight: int = 0
    most: int | None = None

    @property
    def full(self) -> bool:
        """Whether it would only make the next request wait."""
        return self.most is not None and self.in_flight >= self.most

    @property
    def pressure(self) -> float:
        """Requests in flight as a share of what it runs at once."""
        return self.in_flight / (self.replica.capacity or NOMINAL_CAPACITY)


def choose(loads: Sequence[Load], draw: Draw, *, known_by: UUID | None = None) -> Replica | None:
    """Who has the conversation in its cache, unless it is too busy; else the less loaded of two picked at random.

    None: all are full, or there is none. Two choices at random do nearly as well as looking at all, and web processes
    that do not know of each other do not all run to the same replica (Mitzenmacher, 2001).
    """
    free = [load for load in loads if not load.full]
    if not free:
        return None
    knowing = next((load for load in free if load.replica.launch_id == known_by), None)
    if knowing is not None and not _too_busy(knowing, loads):
        return knowing.replica
    return _less_loaded(free, draw).replica


def _less_loaded(free: Sequence[Load], draw: Draw) -> Load:
    if len(free) == 1:
        return free[0]
    first = draw(len(free))
    second = draw(len(free) - 1)
    second += second >= first
    return min(free[first], free[second], key=lambda load: load.pressure)


def _too_busy(load: Load, everybody: Sequence[Load]) -> bool:
    mean = sum(other.pressure for other in everybody) / len(everybody)
    fair = mean * (load.replica.capacity or NOMINAL_CAPACITY)
    return load.in_flight > MOST_ABOVE_MEAN * fair + EXTRA_REQUESTS
