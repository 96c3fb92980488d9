"""The one way to change a worker's state from Python: checked, fenced, and on the timeline in the same transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from django.db import connection, transaction
from django.db.models.functions import Now

from registry import bulk
from registry.models import Deployment, Event, Worker
from registry.states import TERMINAL, WorkerState, check_transition

CHANNEL = "modelyard"  # LISTEN on this to learn that rows changed; the payload says of which kind
SEATED = (WorkerState.PENDING, WorkerState.PLACED, WorkerState.STARTING)


@dataclass(frozen=True, slots=True)
class Failure:
    """The kind of a failure (`inference.protocol.causes.Cause`), and what to do about it."""

    cause: str = ""
    hint: str = ""


def transition(
    worker: Worker, after: WorkerState, *, actor: str, reason: str = "", failure: Failure | None = None
) -> bool:
    """Move a worker on, if it still is where `worker.state` says. False: another writer was first, nothing was done."""
    before = WorkerState(worker.state)
    check_transition(before, after)
    changes = {"state": after, "reason": reason, "state_changed_at": Now()}
    if failure is not None:
        changes |= {"cause": failure.cause, "hint": failure.hint}
    if after in TERMINAL:
        changes["ended_at"] = Now()
    with transaction.atomic():
        if not Worker.objects.filter(pk=worker.pk, state=before).update(**changes):
            return False
        event = line(worker, before, after)
        event.actor, event.reason = actor, reason
        event.save()
        worker.state, worker.reason = after, reason
        notify("worker")
    return True


def finish(ends: Sequence[tuple[Worker, WorkerState, str, Failure]], *, actor: str) -> set[int]:
    """`transition` to an end for many in one statement: worker, state, reason, failure. Returns whose state it was."""
    befores = {worker.pk: WorkerState(worker.state) for worker, *_ in ends}
    rows = [(w.pk, befores[w.pk], after, reason, failure.cause, failure.hint) for w, after, reason, failure in ends]
    for _, before, after, *_ in rows:
        check_transition(before, after)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "UPDATE registry_worker w SET state = e.after, reason = e.reason, cause = e.cause, hint = e.hint,"
            " state_changed_at = statement_timestamp(), ended_at = statement_timestamp()"
            " FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[])"
            " AS e(id, before, after, reason, cause, hint) WHERE w.id = e.id AND w.state = e.before RETURNING w.id",
            [list(column) for column in zip(*rows, strict=True)],
        )
        over = {worker_id for (worker_id,) in cursor.fetchall()}
        events = []
        for worker, after, reason, _ in ends:
            if worker.pk in over:
                events.append(line(worker, befores[worker.pk], after))
                events[-1].reason = reason
        write(events, actor=actor)
        notify("worker")
    return over


def seat(workers: Sequence[Worker], *, actor: str, labels: Mapping[int, str]) -> None:
    """Move waiting workers, whose rows this transaction has locked or made, to their nodes, all in a few statements.

    `labels` says by a worker's id what it got. Their nodes are `worker.node_id`.
    """
    for before, after in pairwise(SEATED):
        check_transition(before, after)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "UPDATE registry_worker w SET node_id = s.node, state = %s, reason = '', state_changed_at = now()"
            " FROM unnest(%s::bigint[], %s::bigint[]) AS s(id, node) WHERE w.id = s.id AND w.state = %s",
            [SEATED[-1], [w.pk for w in workers], [w.node_id for w in workers], SEATED[0]],
        )
        events = []
        for worker in workers:
            placed, starting = line(worker, *SEATED[:2]), line(worker, *SEATED[1:])
            placed.reason = f"on {labels[worker.pk]}"
            events += [placed, starting]
        write(events, actor=actor)
        notify("worker")


def line(worker: Worker, before: WorkerState | None, after: WorkerState) -> Event:
    """The timeline's line of a transition, not saved yet; without `before`, of a worker's beginning."""
    return Event(
        subject=f"{worker.deployment.name}/{worker.replica}",
        from_state=before or "",
        to_state=after,
        revision=worker.revision.number,
        deployment_id=worker.deployment_id,
        worker=worker,
    )


def write(events: Sequence[Event], *, actor: str) -> None:
    """Put lines on the timeline, in this order."""
    for event in events:
        event.actor = actor
    bulk.insert(events)


def record(*, actor: str, subject: str, reason: str, deployment: Deployment | None = None) -> None:
    """A line of the timeline that is no state change."""
    Event.objects.create(actor=actor, subject=subject, reason=reason, deployment=deployment)


def notify(kind: str) -> None:
    """Tell whoever listens, when this transaction commits, that rows of this kind changed. Losing it loses seconds."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify(%s, %s)", [CHANNEL, kind])
