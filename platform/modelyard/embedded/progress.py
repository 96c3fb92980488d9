"""How far the deployments of this start are: read from the rows, told in one line."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta

from django.db.models import F
from django.db.models.functions import Now

from registry.models import Deployment, Worker
from registry.states import TERMINAL, WorkerState

FRESH = timedelta(seconds=5)  # an older heartbeat is from a process of an earlier life


@dataclass(frozen=True, slots=True)
class WorkerProgress:
    """What the newest worker of one deployment says. `beats`: it does so now, not in an earlier life."""

    deployment: str
    state: str
    percent: int = 0
    detail: str = ""
    reason: str = ""
    beats: bool = False

    @property
    def ready(self) -> bool:
        return self.state == WorkerState.READY and self.beats

    @property
    def failed(self) -> bool:
        return self.state == WorkerState.FAILED

    @property
    def text(self) -> str:
        if self.ready:
            return f"{self.deployment} ready"
        if self.failed:
            return f"{self.deployment} failed"
        if self.state == WorkerState.LOADING and self.detail:
            return f"{self.deployment} {self.detail} {self.percent} %"
        return f"{self.deployment} {'starting' if self.state == WorkerState.READY else self.state.lower()}"


def settled(workers: Collection[WorkerProgress]) -> bool:
    """Whether there is nothing left to wait for."""
    return all(worker.ready or worker.failed for worker in workers)


def line(workers: Collection[WorkerProgress]) -> str:
    return " · ".join(worker.text for worker in workers)


def failures(workers: Collection[WorkerProgress]) -> list[str]:
    return [f"{worker.deployment}: {worker.reason or 'no reason given'}" for worker in workers if worker.failed]


def of_deployments(names: Collection[str], *, after_worker: int) -> list[WorkerProgress]:
    """One entry for each of these that should run. A failure of worker `after_worker` or before is an earlier start's."""
    wanted = Deployment.objects.filter(name__in=names, paused=False, replicas__gt=0)
    rows = Worker.objects.filter(deployment__in=wanted).order_by("deployment_id", "-pk").distinct("deployment_id")
    newest = {row.deployment_id: row for row in rows.annotate(age=Now() - F("heartbeat_at"))}
    return [_progress(deployment.name, newest.get(deployment.pk), after_worker) for deployment in wanted]


def newest_worker() -> int:
    return Worker.objects.order_by("-pk").values_list("pk", flat=True).first() or 0


def _progress(name: str, row: Worker | None, after_worker: int) -> WorkerProgress:
    if row is None or (row.state in TERMINAL and row.pk <= after_worker):
        return WorkerProgress(name, WorkerState.PENDING)
    age: timedelta | None = getattr(row, "age", None)
    return WorkerProgress(
        deployment=name,
        state=row.state,
        percent=row.progress,
        detail=row.detail,
        reason=row.reason,
        beats=age is not None and age < FRESH,
    )
