"""The one way to change a worker's state from Python: checked, fenced, and on the timeline in the same transaction."""

from __future__ import annotations

from django.db import connection, transaction
from django.db.models.functions import Now

from registry.models import Deployment, Event, Worker
from registry.states import TERMINAL, WorkerState, check_transition

CHANNEL = "modelyard"  # LISTEN on this to learn that rows changed; the payload says of which kind


def transition(worker: Worker, after: WorkerState, *, actor: str, reason: str = "") -> bool:
    """Move a worker on, if it still is where `worker.state` says. False: another writer was first, nothing was done."""
    before = WorkerState(worker.state)
    check_transition(before, after)
    changes = {"state": after, "reason": reason, "state_changed_at": Now()}
    if after in TERMINAL:
        changes["ended_at"] = Now()
    with transaction.atomic():
        if not Worker.objects.filter(pk=worker.pk, state=before).update(**changes):
            return False
        worker.state, worker.reason = after, reason
        Event.objects.create(
            actor=actor,
            subject=f"{worker.deployment.name}/{worker.replica}",
            reason=reason,
            from_state=before,
            to_state=after,
            revision=worker.revision.number,
            deployment_id=worker.deployment_id,
            worker=worker,
        )
        notify("worker")
    return True


def record(*, actor: str, subject: str, reason: str, deployment: Deployment | None = None) -> None:
    """A line of the timeline that is no state change."""
    Event.objects.create(actor=actor, subject=subject, reason=reason, deployment=deployment)


def notify(kind: str) -> None:
    """Tell whoever listens, when this transaction commits, that rows of this kind changed. Losing it loses seconds."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify(%s, %s)", [CHANNEL, kind])
