"""The rows as `plan()` wants them, on the database's clock, in a constant number of queries."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.db.models import Exists, OuterRef, Q

from registry.clock import database_now
from registry.exits import end_of, explain_exit
from registry.fleet import load_devices, load_files
from registry.models import Claim, Deployment, Node, Revision, Sweep, Worker
from registry.placement import request_of
from registry.plan import DeploymentView, Ending, Limits, NodeView, Snapshot, WorkerView
from registry.states import ACTIVE, Order, WorkerState

WORKER_FIELDS = (
    *("id", "deployment_id", "replica", "attempt", "state", "order", "created_at", "state_changed_at", "ordered_at"),
    *("replaces_id", "node_id", "window_started_at", "ended_at", "launching_at", "exited_at", "heartbeat_at"),
    *("unresponsive_since", "stalled_s", "reason", "revision__launch_key"),
)
RENAMED = {"replaces_id": "replaces", "revision__launch_key": "launch_key"}


def load_snapshot(sweep: Sweep | None = None) -> Snapshot:
    """Everything that a plan may depend on. Without `sweep`: as if somebody had listened all the time."""
    now = sweep.swept_at if sweep else database_now()
    return Snapshot(
        now=now,
        deployments=[_deployment_view(revision) for revision in newest_revisions()],
        workers=_workers(),
        devices=load_devices(now),
        nodes=[NodeView(*values) for values in Node.objects.order_by("id").values_list(*NodeView.__slots__)],
        files=load_files(),
        listening_since=sweep.listening_since if sweep else None,
        alarm=sweep.alarm if sweep else "",
    )


def newest_revisions() -> list[Revision]:
    """Of each deployment, with it."""
    newest = Revision.objects.order_by("deployment_id", "-number").distinct("deployment_id")
    return list(newest.select_related("deployment").defer("estimate"))


def _deployment_view(revision: Revision) -> DeploymentView:
    deployment = revision.deployment
    return DeploymentView(
        id=deployment.pk,
        name=deployment.name,
        replicas=0 if deployment.paused else deployment.replicas,
        revision_id=revision.pk,
        revision_number=revision.number,
        launch_key=revision.launch_key,
        request=request_of(revision.snapshot, revision.claim_bytes),
        restart_budget=deployment.restart_budget,
        renewed_at=deployment.renewed_at,
        changed_by=deployment.changed_by,
        limits=_limits(deployment),
    )


def _limits(deployment: Deployment) -> Limits:
    return Limits(
        start=timedelta(seconds=deployment.start_timeout_s),
        load=timedelta(seconds=deployment.load_timeout_s),
        drain=timedelta(seconds=deployment.drain_timeout_s),
        hang=timedelta(seconds=deployment.hang_timeout_s),
    )


def _workers() -> list[WorkerView]:
    newest = (
        Worker.objects.order_by("deployment_id", "replica", "-id").distinct("deployment_id", "replica").values("id")
    )
    holding = Exists(Claim.objects.filter(worker=OuterRef("pk")))
    relevant = Worker.objects.filter(Q(state__in=ACTIVE) | Q(holding, ended_at__isnull=False) | Q(id__in=newest))
    claims: defaultdict[int, list[tuple[int, int]]] = defaultdict(list)
    for worker_id, device_id, size in Claim.objects.order_by("id").values_list("worker_id", "device_id", "bytes"):
        claims[worker_id].append((device_id, size))
    rows = list(relevant.order_by("id").values(*WORKER_FIELDS))
    # Looked up by these rows: an agent may write an exit between two queries, and an end must not lack its reason.
    endings = _endings([row["id"] for row in rows if row["exited_at"] is not None and row["state"] in ACTIVE])
    return [_worker_view(row, tuple(claims[row["id"]]), endings.get(row["id"], Ending(""))) for row in rows]


def _worker_view(row: dict[str, Any], claims: tuple[tuple[int, int], ...], ending: Ending) -> WorkerView:
    facts = {RENAMED.get(name, name): value for name, value in row.items()}
    facts |= {"state": WorkerState(row["state"]), "order": Order(row["order"])}
    return WorkerView(**facts, claims=claims, ending=ending)


def _endings(ended: Sequence[int]) -> dict[int, Ending]:
    """How those ended whose process is gone; few at a time, so that their logs need not be read for all."""
    workers = Worker.objects.filter(pk__in=ended).select_related("revision", "node") if ended else ()
    return {worker.pk: _ending(worker) for worker in workers}


def _ending(worker: Worker) -> Ending:
    explained = explain_exit(end_of(worker))
    return Ending(explained.reason, explained.cause, explained.hint, witnessed=worker.exit_witnessed)
