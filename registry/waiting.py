"""Waiting for a deployment: what `deploy --wait` and the platform's start show while they wait."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

from registry import overview
from registry.models import Deployment, Event
from registry.states import WorkerState
from registry.status import Status

POLL_S = 0.3


@dataclass(frozen=True, slots=True)
class Observation:
    """One look. `failures` are the attempts that failed since the last look, each with its reason."""

    status: Status
    failures: tuple[str, ...] = ()
    timed_out: bool = False


def last_event() -> int:
    """Where the timeline ends now; events of what is ordered next come after it."""
    return Event.objects.order_by("-id").values_list("id", flat=True).first() or 0


def watch(deployment: Deployment, *, since: int, timeout_s: float) -> Iterator[Observation]:
    """Look again and again until the deployment is ready, has stopped or was given up, or the time is over."""
    deadline = time.monotonic() + timeout_s
    while True:
        status = overview.status(deployment)
        failures = list(_failed_attempts(deployment, since))
        since = max((event.pk for event in failures), default=since)
        timed_out = not status.phase.settled and time.monotonic() > deadline
        yield Observation(status, tuple(event.reason for event in failures), timed_out)
        if status.phase.settled or timed_out:
            return
        time.sleep(POLL_S)


def _failed_attempts(deployment: Deployment, since: int) -> Iterator[Event]:
    ended_badly = [WorkerState.FAILED, WorkerState.LOST]
    yield from deployment.events.filter(pk__gt=since, to_state__in=ended_badly).order_by("pk")
