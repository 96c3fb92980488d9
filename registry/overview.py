"""The rows behind `status`: what the deployments of a page or a command do now, in a constant number of queries."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from django.db.models import F, OuterRef, Q, QuerySet, Subquery

from registry.clock import database_now
from registry.models import Deployment, Revision, Worker
from registry.states import ACTIVE, Order, WorkerState
from registry.status import Launch, Status, Wanted, status_of

WANTED_FIELDS = ("replicas", "paused", "restart_budget", "renewed_at")
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
    # Rows without models: two thousand instances would cost more than the rest of the first page.
    for row in telling_workers(ids).order_by().values(*LAUNCH_FIELDS, launch_key=F("revision__launch_key")):
        launches[row["deployment_id"]].append(_launch(row))
    now = database_now()
    return {deployment: status_of(wanted, launches[deployment], now) for deployment, wanted in _wanted(ids).items()}


def telling_workers(deployment_ids: Iterable[int]) -> QuerySet[Worker]:
    """The workers that a status depends on: all active ones, and the newest of each replica."""
    mine = Worker.objects.filter(deployment_id__in=list(deployment_ids))
    newest = mine.order_by("deployment_id", "replica", "-id").distinct("deployment_id", "replica").values("id")
    return mine.filter(Q(state__in=ACTIVE) | Q(id__in=newest))


def _wanted(ids: list[int]) -> dict[int, Wanted]:
    # Not the rows that the caller holds: `renewed_at` is written by the database.
    newest = Revision.objects.filter(deployment=OuterRef("pk")).order_by("-number").values("launch_key")[:1]
    fresh = Deployment.objects.filter(pk__in=ids).annotate(launch_key=Subquery(newest)).order_by()
    return {row.pop("id"): Wanted(**row) for row in fresh.values("id", *WANTED_FIELDS, "launch_key")}


def _launch(row: dict[str, Any]) -> Launch:
    return Launch(**row | {"state": WorkerState(row["state"]), "order": Order(row["order"])})
