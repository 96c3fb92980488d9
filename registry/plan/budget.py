"""Restarts: how many failures count, how long to wait after them, and when to give up."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Protocol

from registry.plan.views import WorkerView
from registry.states import WorkerState

BUDGET_WINDOW = timedelta(minutes=10)
BACKOFF_CAP_S = 300


class Budget(Protocol):
    """What decides whether a failure still counts."""

    @property
    def launch_key(self) -> str: ...

    @property
    def restart_budget(self) -> int: ...

    @property
    def renewed_at(self) -> datetime: ...


def backoff_s(failures: int) -> int:
    """Seconds to wait after so many failures in the window: 1, 2, 4 … 300."""
    return min(BACKOFF_CAP_S, 1 << min(16, max(0, failures - 1)))


def outdated(worker: WorkerView, deployment: Budget) -> bool:
    """Whether an operator asked for something newer than this launch."""
    return worker.created_at < deployment.renewed_at or worker.launch_key != deployment.launch_key


def failures(worker: WorkerView, deployment: Budget) -> tuple[int, datetime | None]:
    """How many failures count with this launch, and since when. Restarts and new revisions forgive earlier ones."""
    if worker.state != WorkerState.FAILED or outdated(worker, deployment):
        return 0, None
    begun, ended = worker.window_started_at, worker.ended_at
    if begun is None or ended is None or ended - begun > BUDGET_WINDOW:
        return 1, ended
    return worker.attempt + 1, begun


def gave_up(worker: WorkerView, deployment: Budget) -> bool:
    """Whether this failed launch was the last that the budget allows; only an operator's act begins anew."""
    count, _ = failures(worker, deployment)
    return count > 0 and count >= deployment.restart_budget


def retry_in(worker: WorkerView, count: int, now: datetime) -> timedelta:
    """How long to wait still after so many failures; zero: now."""
    due = (worker.ended_at or now) + timedelta(seconds=backoff_s(count))
    return max(due - now, timedelta())
