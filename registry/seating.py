"""Launches and their devices: rows made and claims written for many at once, under the devices' locks."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import partial
from uuid import uuid4

from django.db import transaction
from django.db.models import F, Sum

from registry import bulk, nudge
from registry.lifecycle import line, seat, write
from registry.models import Claim, Deployment, Device, Revision, Worker
from registry.placement import Placement, Unplaceable
from registry.plan import Create, Place
from registry.states import WorkerState
from registry.tokens import token_hash

logger = logging.getLogger(__name__)

Seat = tuple[Worker, Placement | Unplaceable]


def seat_all(actions: Sequence[Create | Place], *, actor: str) -> int:
    """Make the launches that are to be made, and give each its place or the reason why it waits."""
    creates = [action for action in actions if isinstance(action, Create)]
    seats = _create(creates, actor=actor)
    seats += _waiting([action for action in actions if isinstance(action, Place)])
    placed = [(worker, outcome) for worker, outcome in seats if isinstance(outcome, Placement)]
    waiting = [(worker, outcome) for worker, outcome in seats if isinstance(outcome, Unplaceable)]
    return max(len(creates), _seat(placed, actor=actor) + _explain(waiting))


def _create(creates: Sequence[Create], *, actor: str) -> list[Seat]:
    if not creates:
        return []
    deployments = Deployment.objects.in_bulk({create.deployment.id for create in creates})
    revisions = Revision.objects.in_bulk({create.deployment.revision_id for create in creates})
    workers = []
    for create in creates:
        launch_id = uuid4()
        workers.append(
            Worker(
                deployment=deployments[create.deployment.id],
                revision=revisions[create.deployment.revision_id],
                replica=create.replica,
                attempt=create.attempt,
                window_started_at=create.window_started_at,
                replaces_id=create.replaces,
                launch_id=launch_id,
                token_hash=token_hash(launch_id),
            )
        )
    _insert(workers)
    write([line(worker, None, WorkerState.PENDING) for worker in workers], actor=actor)
    return list(zip(workers, (create.outcome for create in creates), strict=True))


def _insert(workers: Sequence[Worker]) -> None:
    """New launches, which learn their ids."""
    bulk.insert(workers)
    stored = Worker.objects.filter(launch_id__in=[worker.launch_id for worker in workers])
    ids = dict(stored.values_list("launch_id", "pk"))
    for worker in workers:
        worker.pk = ids[worker.launch_id]


def _waiting(places: Sequence[Place]) -> list[Seat]:
    """The rows that still wait, locked; in the order of the plan, which counts on it."""
    locked = Worker.objects.select_for_update(of=("self",)).filter(
        pk__in=[place.worker_id for place in places], state=WorkerState.PENDING
    )
    found = {
        worker.pk: worker
        for worker in locked.only("deployment_id", "revision_id", "replica", "launch_id", "state", "reason")
    }
    deployments = Deployment.objects.in_bulk({worker.deployment_id for worker in found.values()})
    revisions = Revision.objects.in_bulk({worker.revision_id for worker in found.values()})
    for worker in found.values():
        worker.deployment, worker.revision = deployments[worker.deployment_id], revisions[worker.revision_id]
    return [(found[place.worker_id], place.outcome) for place in places if place.worker_id in found]


def _seat(seats: Sequence[tuple[Worker, Placement]], *, actor: str) -> int:
    accepted = _claim(seats)
    if not accepted:
        return 0
    for worker, placement in accepted:
        worker.node_id = placement.node_id
    workers = [worker for worker, _ in accepted]
    seat(workers, actor=actor, labels={worker.pk: placement.label for worker, placement in accepted})
    transaction.on_commit(partial(nudge.launches, [worker.pk for worker in workers]))
    return len(accepted)


def _claim(seats: Sequence[tuple[Worker, Placement]]) -> list[tuple[Worker, Placement]]:
    """Write the claims under the devices' locks; whatever the plan believed, the sums have to fit now."""
    free = _lock({device_id for _, placement in seats for device_id, _ in placement.claims})
    accepted = []
    for worker, placement in seats:
        if any(free.get(device_id, -1) < size for device_id, size in placement.claims):
            logger.error("%s filled up between plan and claim; %s waits.", placement.label, worker)
            continue
        for device_id, size in placement.claims:
            free[device_id] -= size
        accepted.append((worker, placement))
    bulk.insert(
        [
            Claim(worker=worker, device_id=device_id, bytes=size)
            for worker, placement in accepted
            for device_id, size in placement.claims
        ]
    )
    return accepted


def _lock(device_ids: Iterable[int]) -> dict[int, int]:
    """Lock the devices, always in the same order, and only then sum what is free of each, in bytes."""
    locked = Device.objects.select_for_update().filter(pk__in=list(device_ids)).order_by("pk")
    totals = dict(locked.values_list("pk", F("memory_total_bytes") - F("foreign_bytes")))
    sums = Claim.objects.filter(device_id__in=totals).values_list("device_id").annotate(sum=Sum("bytes")).order_by()
    claimed = dict(sums)
    return {device_id: total - claimed.get(device_id, 0) for device_id, total in totals.items()}


def _explain(seats: Sequence[tuple[Worker, Unplaceable]]) -> int:
    """Say on the rows why they wait, where that is news; one statement a reason."""
    news: defaultdict[str, list[int]] = defaultdict(list)
    for worker, outcome in seats:
        reason = f"waiting for a place: {outcome.sentence}"
        if worker.reason != reason:
            news[reason].append(worker.pk)
    for reason, ids in news.items():
        Worker.objects.filter(pk__in=ids, state=WorkerState.PENDING).update(reason=reason)
    return sum(map(len, news.values()))
