"""What a worker's heartbeat says, and what the database answers."""

from __future__ import annotations

import enum
from typing import Required, TypedDict

from inference.protocol.causes import Cause

# A function of the database, not a table: a worker's login can call this and nothing else.
# Parameters: launch id, the launch's token, the report.
BEAT_SQL = "SELECT modelyard_beat(%s::uuid, %s::text, %s::jsonb)"
# The same for a worker that is what it was when the database last heard all of it, at two thirds of the price.
# Parameters: launch id, token, then these fields of the report. NULL here means: tell me all.
STEADY_SQL = (
    "SELECT modelyard_beat(%s::uuid, %s::text, %s::text, %s::bigint, %s::bigint, %s::bigint, %s::float8, %s::float8,"
    " %s::bigint, %s::bigint)"
)
STEADY_FIELDS = frozenset(
    {
        *("state", "in_flight", "requests_total", "tokens_total"),
        *("tokens_per_second", "stalled_s", "memory_bytes", "memory_peak_bytes"),
    }
)


class WorkerState(enum.StrEnum):
    """The states that a worker reports of itself."""

    LOADING = "LOADING"
    READY = "READY"
    DRAINING = "DRAINING"
    FAILED = "FAILED"


class Order(enum.StrEnum):
    """The answer to a beat. No answer (NULL) means that another launch took this one's place: drain and exit."""

    RUN = "run"
    DRAIN = "drain"
    STOP = "stop"


class Report(TypedDict, total=False):
    """The body of a beat. Counters run since the process started; percent 0-100; memory in bytes.

    `capacity`: how many requests the engine runs at once; absent: it does not say.
    `stalled_s`: seconds since the engine's last step while it has something to do, else 0.
    """

    state: Required[WorkerState]
    progress: int
    detail: str
    reason: str
    cause: Cause
    hint: str
    address: str
    capabilities: list[str]
    context_length: int
    capacity: int
    in_flight: int
    requests_total: int
    tokens_total: int
    tokens_per_second: float
    stalled_s: float
    memory_bytes: int
    memory_peak_bytes: int
