"""The control plane's loop body: snapshot → `plan()` → rows, in one transaction; nudges after the commit."""

from __future__ import annotations

import logging
from datetime import datetime
from functools import partial
from typing import cast
from uuid import uuid4

from django.db import connection, transaction
from django.db.models import Exists, OuterRef, Q, Sum
from django.db.models.functions import Coalesce, Now

from registry import nudge
from registry.exits import explain_exit
from registry.lifecycle import transition
from registry.models import Claim, Deployment, Device, Revision, Worker
from registry.placement import DeviceView, DeviceWish, Placement, Request, Unplaceable
from registry.plan import Action, Command, Create, DeploymentView, End, Place, Release, Snapshot, WorkerView, plan
from registry.states import ACTIVE, Order, WorkerState
from registry.status import NODE_LATE
from registry.tokens import token_hash

logger = logging.getLogger(__name__)

ACTOR = "reconciler"
SWEEPER_LOCK = 0x4D59  # an advisory lock of ours: one sweeper at a time, however many control processes run


def reconcile_once() -> int | None:
    """One turn. Returns the number of actions done, or None when another process is at it."""
    with transaction.atomic():
        if not _become_sweeper():
            return None
        actions = plan(load_snapshot())
        return sum(_apply(action) for action in actions)


def _become_sweeper() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [SWEEPER_LOCK])
        return bool(cursor.fetchone()[0])


def load_snapshot() -> Snapshot:
    """The rows as `plan()` wants them, on the database's clock."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        now = cast(datetime, cursor.fetchone()[0])
    return Snapshot(
        now=now,
        deployments=[_deployment_view(revision) for revision in _newest_revisions()],
        workers=[_worker_view(worker) for worker in _workers()],
        devices=[_device_view(device, now) for device in _devices()],
    )


def _newest_revisions() -> list[Revision]:
    newest = Revision.objects.order_by("deployment_id", "-number").distinct("deployment_id")
    return list(newest.select_related("deployment"))


def _workers() -> list[Worker]:
    newest = (
        Worker.objects.order_by("deployment_id", "replica", "-id").distinct("deployment_id", "replica").values("id")
    )
    holding = Exists(Claim.objects.filter(worker=OuterRef("pk")))
    relevant = Worker.objects.annotate(holding=holding).filter(Q(state__in=ACTIVE) | Q(holding=True) | Q(id__in=newest))
    return list(relevant.defer("log_tail"))


def _devices() -> list[Device]:
    claimed = Coalesce(Sum("claims__bytes"), 0)
    return list(Device.objects.select_related("node").annotate(claimed=claimed).order_by("id"))


def _deployment_view(revision: Revision) -> DeploymentView:
    deployment: Deployment = revision.deployment
    return DeploymentView(
        id=deployment.pk,
        name=deployment.name,
        replicas=0 if deployment.paused else deployment.replicas,
        revision_id=revision.pk,
        request=Request(bytes=revision.claim_bytes, device=cast(DeviceWish, revision.device)),
        restart_budget=deployment.restart_budget,
        renewed_at=deployment.renewed_at,
        changed_by=deployment.changed_by,
    )


def _worker_view(worker: Worker) -> WorkerView:
    return WorkerView(
        id=worker.pk,
        deployment_id=worker.deployment_id,
        revision_id=worker.revision_id,
        replica=worker.replica,
        attempt=worker.attempt,
        state=WorkerState(worker.state),
        order=Order(worker.order),
        created_at=worker.created_at,
        state_changed_at=worker.state_changed_at,
        window_started_at=worker.window_started_at,
        ended_at=worker.ended_at,
        launching_at=worker.launching_at,
        exited_at=worker.exited_at,
        exit_reason=_exit_reason(worker) if worker.exited_at else "",
        exit_witnessed=worker.exit_witnessed,
        reason=worker.reason,
        holds_claims=worker.holding,  # type: ignore[attr-defined]  # annotated above
    )


def _exit_reason(worker: Worker) -> str:
    return explain_exit(worker.exit_code, worker.exit_note, witnessed=worker.exit_witnessed)


def _device_view(device: Device, now: datetime) -> DeviceView:
    return DeviceView(
        id=device.pk,
        node_id=device.node_id,
        label=str(device),
        kind=device.kind,
        total=device.memory_total_bytes,
        claimed=device.claimed,  # type: ignore[attr-defined]  # annotated above
        unusable=_unusable(device, now),
    )


def _unusable(device: Device, now: datetime) -> str:
    node = device.node
    if node.cordoned:
        return "the node is cordoned"
    if node.left_at is not None:
        return "the node's agent has left"
    if node.last_seen_at is None or now - node.last_seen_at > NODE_LATE:
        return "the node's agent is silent; is it running?"
    return "" if device.present else "the agent no longer sees this device"


def _apply(action: Action) -> bool:
    """Carry one action out. False: the row changed meanwhile, or there was nothing to change."""
    if isinstance(action, Create):
        return _create(action)
    if isinstance(action, Release):
        return Claim.objects.filter(worker_id=action.worker_id).delete()[0] > 0
    worker = Worker.objects.select_related("deployment", "revision", "node").defer("log_tail").get(pk=action.worker_id)
    if isinstance(action, Place):
        return _settle_placement(worker, action.outcome)
    if isinstance(action, Command):
        return _command(worker, action)
    return _end(worker, action)


def _create(action: Create) -> bool:
    deployment = action.deployment
    launch_id = uuid4()
    worker = Worker.objects.create(
        launch_id=launch_id,
        token_hash=token_hash(launch_id),
        deployment_id=deployment.id,
        revision_id=deployment.revision_id,
        replica=action.replica,
        attempt=action.attempt,
        window_started_at=action.window_started_at,
    )
    return _settle_placement(worker, action.outcome)


def _settle_placement(worker: Worker, outcome: Placement | Unplaceable) -> bool:
    if isinstance(outcome, Unplaceable):
        waiting = f"waiting for a place: {outcome.sentence}"
        return Worker.objects.filter(pk=worker.pk).exclude(reason=waiting).update(reason=waiting) > 0
    if not _claim(worker, outcome):
        return False
    transition(worker, WorkerState.PLACED, actor=ACTOR, reason=f"on {outcome.label}")
    transition(worker, WorkerState.STARTING, actor=ACTOR)
    worker.refresh_from_db(fields=["node"])
    assert worker.node is not None
    transaction.on_commit(partial(nudge.agent, worker.node.queue, worker.launch_id))
    return True


def _claim(worker: Worker, placement: Placement) -> bool:
    """Write the claims under the devices' locks; whatever the plan believed, the sum has to fit now."""
    wanted = dict(placement.claims)
    locked = Device.objects.select_for_update().filter(pk__in=wanted).order_by("pk")
    for device in list(locked):
        claimed = device.claims.aggregate(sum=Coalesce(Sum("bytes"), 0))["sum"]
        if claimed + wanted[device.pk] > device.memory_total_bytes:
            logger.error("%s filled up between plan and claim; %s waits.", device, worker)
            return False
    Claim.objects.bulk_create(
        Claim(worker=worker, device_id=device_id, bytes=size) for device_id, size in wanted.items()
    )
    Worker.objects.filter(pk=worker.pk).update(node_id=placement.node_id)
    return True


def _command(worker: Worker, action: Command) -> bool:
    changed = Worker.objects.filter(pk=worker.pk, order=worker.order).update(
        order=action.order, ordered_at=Now(), reason=action.reason
    )
    if changed and worker.node is not None:
        transaction.on_commit(partial(nudge.agent, worker.node.queue, worker.launch_id))
    return bool(changed)


def _end(worker: Worker, action: End) -> bool:
    if worker.launching_at is None and not _forbid_launch(worker):
        return False
    ended = transition(worker, action.state, actor=ACTOR, reason=action.reason)
    if ended:
        Claim.objects.filter(worker=worker).delete()
    return ended


def _forbid_launch(worker: Worker) -> bool:
    """Make sure that no agent takes a launch on which is about to be ended. False: one just did."""
    return Worker.objects.filter(pk=worker.pk, launching_at__isnull=True).update(order=Order.STOP) > 0
