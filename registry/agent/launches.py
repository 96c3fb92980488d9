"""The launches that concern one node's agent, read in one query a cycle."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import cast
from uuid import UUID

from django.db.models import Q
from django.db.models.functions import Now

from registry.models import Node, Worker
from registry.plan.calm import HEARD
from registry.states import ACTIVE, Order, WorkerState

# What the cycle looks at; the rest is read when a launch is started.
FIELDS = (
    *("launch_id", "node_id", "replica", "state", "order", "ordered_at", "ended_at"),
    *("launching_at", "pid", "process_started", "boot_id", "exited_at", "exit_note", "unresponsive_since"),
    *("heartbeat_at", "address", "deployment__name", "deployment__drain_timeout_s"),
    "node__drain_deadline",
)


def of_node(node: Node, *, launch_id: UUID | None = None) -> list[Worker]:
    """Those that are ordered here or whose processes may still run here, with the time; or one of them."""
    running = Q(launching_at__isnull=False, exited_at__isnull=True)
    ordered = Q(state__in=ACTIVE, launching_at__isnull=True)
    rows = Worker.objects.filter(ordered | running, node=node)
    if launch_id is not None:
        rows = rows.filter(launch_id=launch_id)
    rows = rows.select_related("deployment", "node").only(*FIELDS)
    return list(rows.annotate(seen_at=Now()).order_by("id"))


def now_of(worker: Worker) -> datetime:
    """When its row was read, on the database's clock."""
    return cast(datetime, worker.seen_at)  # type: ignore[attr-defined]  # annotated above


def serves(worker: Worker) -> bool:
    """Whether it does what it should, and was heard just now."""
    ready = worker.state == WorkerState.READY and worker.order == Order.RUN and worker.unresponsive_since is None
    return ready and worker.heartbeat_at is not None and now_of(worker) - worker.heartbeat_at < HEARD


def drain_limit(worker: Worker) -> timedelta:
    """How long the worker may finish its requests after it was told to: the deployment's time, or its node's."""
    limit = timedelta(seconds=worker.deployment.drain_timeout_s)
    deadline = worker.node.drain_deadline if worker.node else None
    return max(limit, deadline - worker.ordered_at) if deadline else limit
