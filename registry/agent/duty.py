"""What an agent has to do for one launch now: a pure decision from the row and from what is seen of the process."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import datetime, timedelta

from registry.states import TERMINAL, Order, WorkerState

DRAIN_GRACE = timedelta(seconds=10)  # beyond the deployment's own limit, which the worker keeps by itself
STOP_LIMIT = timedelta(seconds=5)
ENDED_LIMIT = timedelta(seconds=15)  # for a worker whose launch is over: its beat tells it, and it drains
BIRTH_LIMIT = timedelta(seconds=5)  # from taking a launch on to seeing its process


class Duty(enum.Enum):
    """The one thing to do."""

    NOTHING = "nothing"
    LAUNCH = "launch"
    ADOPT = "adopt"  # an earlier agent started it and died before it could write that down
    RECORD_EXIT = "record exit"
    KILL = "kill"


class Life(enum.Enum):
    """What is seen of a launch's processes."""

    GONE = "gone"
    RUNNING = "running"
    REMNANTS = "remnants"  # the worker itself is gone, and what it started lives on


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One launch, as its row and this machine show it."""

    state: WorkerState
    order: Order
    ordered_at: datetime
    drain_limit: timedelta
    launching_at: datetime | None  # None: no agent has taken the launch on
    ended_at: datetime | None
    recorded: bool  # the row knows the process
    exited: bool
    life: Life
    now: datetime


def duty(seen: Seen) -> Duty:
    """Decide. Whatever is decided twice is harmless."""
    if seen.exited:
        return Duty.NOTHING
    if seen.launching_at is None:
        wanted = seen.state == WorkerState.STARTING and seen.order == Order.RUN
        return Duty.LAUNCH if wanted else Duty.NOTHING
    if seen.life is Life.GONE:
        return Duty.NOTHING if _may_be_being_born(seen) else Duty.RECORD_EXIT
    if seen.life is Life.REMNANTS:
        return Duty.KILL
    if not seen.recorded:
        return Duty.ADOPT
    return Duty.KILL if _overdue(seen) else Duty.NOTHING


def _may_be_being_born(seen: Seen) -> bool:
    """Another agent of this node may have been superseded between taking the launch on and starting it."""
    return not seen.recorded and seen.launching_at is not None and seen.now - seen.launching_at < BIRTH_LIMIT


def _overdue(seen: Seen) -> bool:
    if seen.state in TERMINAL:
        # The order to stop an ended launch means that it hangs, or that its replacement waits for the memory.
        ended_long_ago = seen.ended_at is not None and seen.now - seen.ended_at > ENDED_LIMIT
        return seen.order == Order.STOP or ended_long_ago
    limits = {Order.DRAIN: seen.drain_limit + DRAIN_GRACE, Order.STOP: STOP_LIMIT}
    return seen.order in limits and seen.now - seen.ordered_at > limits[seen.order]
