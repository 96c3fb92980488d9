"""The rows behind `status`: what the deployments of a page or a command do now, in a constant number of queries."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from django.db.models import OuterRef, Q, QuerySet, Subquery

from registry.clock import database_now
from registry.models import Deployment, Revision, Worker
from registry.states import ACTIVE, Order, WorkerState
from registry.status import Launch, Status, Wanted, status_of

LAUNCH_FIELDS = (
    *("id", "deployment_id", "replica", "attempt", "state", "order", "reason", "progress", "detail"),
    *("created_at", "state_changed_at", "window_started_at", "ended_at", "launching_at", "exited_at", "heartbeat_at"),
)


def status(deployment: Deployment) -> Status:
    """What one deployment does now."""
    return statuses([deployment])[deployment.pk]


def statuses(deployments: Iterable[Deployment]) -> dict[int, Status]:
    """What each of these deployments does now, by its id."""
    ids = [deployment.pk for deployment in deployments]
    launches: defaultdict[int, list[Launch]] = defaultdict(list)
    for worker in telling_workers(ids).select_related("revision").only(*LAUNCH_FIELDS, "revision__launch_key"):
        launches[worker.deployment_id].append(_launch(worker))
    now = database_now()
    return {deployment.pk: status_of(_wanted(deployment), launches[deployment.pk], now) for deployment in _fresh(ids)}


def telling_workers(deployment_ids: Iterable[int]) -> QuerySet[Worker]:
    """The workers that a status depends on: all active ones, and the newest of each replica."""
    mine = Worker.objects.filter(deployment_id__in=list(deployment_ids))
    newest = mine.order_by("deployment_id", "replica", "-id").distinct("deployment_id", "replica").values("id")
    return mine.filter(Q(state__in=ACTIVE) | Q(id__in=newest))


def _fresh(ids: Iterable[int]) -> QuerySet[Deployment]:
    # Not the rows that the caller holds: `renewed_at` is written by the database.
    newest = Revision.objects.filter(deployment=OuterRef("pk")).order_by("-number").values("launch_key")[:1]
    return Deployment.objects.filter(pk__in=list(ids)).annotate(launch_key=Subquery(newest))


def _wanted(deployment: Deployment) -> Wanted:
    return Wanted(
        replicas=deployment.replicas,
        paused=deployment.paused,
        launch_key=deployment.launch_key,  # type: ignore[attr-defined]  # annotated in `_fresh`
        restart_budget=deployment.restart_budget,
        renewed_at=deployment.renewed_at,
    )


def _launch(worker: Worker) -> Launch:
    values = {name: getattr(worker, name) for name in LAUNCH_FIELDS}
    values["launch_key"] = worker.revision.launch_key
    return Launch(**values | {"state": WorkerState(worker.state), "order": Order(worker.order)})
