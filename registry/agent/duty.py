"""What an agent has to do for one launch now: a pure decision from the row and from what is seen of the process."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import datetime, timedelta

from registry.states import Order, WorkerState

DRAIN_LIMIT = timedelta(seconds=40)  # the worker's own limit is 30 s; beyond this it hangs
STOP_LIMIT = timedelta(seconds=5)


class Duty(enum.Enum):
    """The one thing to do."""

    NOTHING = "nothing"
    LAUNCH = "launch"
    ADOPT = "adopt"  # an earlier agent started it and died before it could write that down
    RECORD_EXIT = "record exit"
    KILL = "kill"


@dataclass(frozen=True, slots=True)
class Seen:
    """One launch, as its row and this machine show it."""

    state: WorkerState
    order: Order
    ordered_at: datetime
    taken_on: bool
    recorded: bool  # the row knows the process
    exited: bool
    alive: bool
    now: datetime


def duty(seen: Seen) -> Duty:
    """Decide. Whatever is decided twice is harmless."""
    if seen.exited:
        return Duty.NOTHING
    if not seen.taken_on:
        wanted = seen.state == WorkerState.STARTING and seen.order == Order.RUN
        return Duty.LAUNCH if wanted else Duty.NOTHING
    if not seen.alive:
        return Duty.RECORD_EXIT
    if not seen.recorded:
        return Duty.ADOPT
    return Duty.KILL if _overdue(seen) else Duty.NOTHING


def _overdue(seen: Seen) -> bool:
    limits = {Order.DRAIN: DRAIN_LIMIT, Order.STOP: STOP_LIMIT}
    return seen.order in limits and seen.now - seen.ordered_at > limits[seen.order]
