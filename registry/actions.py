"""Carrying a plan out: every write is fenced, so that a row which changed meanwhile is left to the next turn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from django.db import transaction
from django.db.models.functions import Now

from registry import nudge, seating
from registry.lifecycle import Failure, notify, record, transition
from registry.measures import format_age
from registry.models import Claim, Node, Sweep, Worker
from registry.plan import Action, Alarm, Command, Create, End, NodeBack, NodeLost, Place, Promote, Release
from registry.states import Order

ACTOR = "reconciler"


def carry_out(actions: Sequence[Action]) -> int:
    """Do it all, what makes room before what takes it; returns how many actions changed anything."""
    done = 0
    seats: list[Create | Place] = []
    for action in actions:
        if isinstance(action, Create | Place):
            seats.append(action)
        else:
            done += _apply(action)
    return done + seating.seat_all(seats, actor=ACTOR)


def _apply(action: Alarm | Command | End | NodeBack | NodeLost | Promote | Release) -> bool:
    return WRITERS[type(action)](action)


def _release(action: Release) -> bool:
    return Claim.objects.filter(worker_id=action.worker_id).delete()[0] > 0


def _promote(action: Promote) -> bool:
    return Worker.objects.filter(pk=action.worker_id).exclude(replaces=None).update(replaces=None) > 0


def _command(action: Command) -> bool:
    worker = _worker(action.worker_id)
    changed = Worker.objects.filter(pk=worker.pk, order=worker.order, ended_at__isnull=True).update(
        order=action.order, ordered_at=Now(), reason=action.reason
    )
    if changed:
        record(
            actor=ACTOR,
            subject=f"{worker.deployment.name}/{worker.replica}",
            reason=f"{action.order}: {action.reason}",
            deployment=worker.deployment,
        )
        notify("worker")  # gateways route nothing more to it
        _nudge(worker)
    return bool(changed)


def _end(action: End) -> bool:
    worker = _worker(action.worker_id)
    if worker.launching_at is None and not _forbid_launch(worker):
        return False
    failure = Failure(action.cause, action.hint)
    if not transition(worker, action.state, actor=ACTOR, reason=action.reason, failure=failure):
        return False
    if worker.launching_at is None or worker.exited_at is not None:
        Claim.objects.filter(worker=worker).delete()
    elif action.kill:
        Worker.objects.filter(pk=worker.pk).update(order=Order.STOP, ordered_at=Now())
        _nudge(worker)
    return True


def _forbid_launch(worker: Worker) -> bool:
    """Make sure that no agent takes a launch on which is about to be ended. False: one just did."""
    return Worker.objects.filter(pk=worker.pk, launching_at__isnull=True).update(order=Order.STOP) > 0


def _worker(worker_id: int) -> Worker:
    return Worker.objects.select_related("deployment", "revision", "node").defer("log_tail").get(pk=worker_id)


def _nudge(worker: Worker) -> None:
    if worker.node is not None:
        transaction.on_commit(partial(nudge.agent, worker.node.queue, worker.launch_id))


def _alarm(action: Alarm) -> bool:
    if action.text:
        first = Sweep.objects.filter(alarm="").update(alarm=action.text, alarm_since=Now()) > 0
        Sweep.objects.update(alarm=action.text)
        if not first:
            return True  # only who is silent changed; the timeline has the beginning
    else:
        Sweep.objects.update(alarm="", alarm_since=None)
    record(actor=ACTOR, subject="control plane", reason=action.text or "the alarm is over")
    notify("node")
    return True


def _node_lost(action: NodeLost) -> bool:
    node = Node.objects.filter(pk=action.node_id, lost_at__isnull=True).first()
    if node is None or not Node.objects.filter(pk=node.pk, lost_at__isnull=True).update(lost_at=Now()):
        return False
    silence = format_age(action.silence)
    record(actor=ACTOR, subject=f"node {node.name}", reason=f"lost: its agent was not heard for {silence}")
    notify("node")
    return True


def _node_back(action: NodeBack) -> bool:
    node = Node.objects.filter(pk=action.node_id, lost_at__isnull=False).first()
    if node is None or not Node.objects.filter(pk=node.pk, lost_at__isnull=False).update(lost_at=None):
        return False
    record(actor=ACTOR, subject=f"node {node.name}", reason=f"heard again after {format_age(action.away)}")
    notify("node")
    return True


WRITERS: dict[type[Action], Callable[..., bool]] = {
    Alarm: _alarm,
    Command: _command,
    End: _end,
    NodeBack: _node_back,
    NodeLost: _node_lost,
    Promote: _promote,
    Release: _release,
}
