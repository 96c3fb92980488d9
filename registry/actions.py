"""Carrying a plan out: every write is fenced, so that a row which changed meanwhile is left to the next turn."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from django.db.models.functions import Now

from registry import orders, seating
from registry.lifecycle import notify, record
from registry.measures import format_age
from registry.models import Claim, Node, Sweep, Worker
from registry.plan import Action, Alarm, Command, Create, End, NodeBack, NodeLost, Place, Promote, Release

ACTOR = "reconciler"


def carry_out(actions: Sequence[Action]) -> int:
    """Do it all, what makes room before what takes it; returns how many actions changed anything."""
    done = sum(WRITERS[type(action)](action) for action in actions if isinstance(action, Alarm | NodeBack | NodeLost))
    done += orders.give([action for action in actions if isinstance(action, Command)], actor=ACTOR)
    done += orders.finish([action for action in actions if isinstance(action, End)], actor=ACTOR)
    done += sum(WRITERS[type(action)](action) for action in actions if isinstance(action, Promote | Release))
    return done + seating.seat_all([action for action in actions if isinstance(action, Create | Place)], actor=ACTOR)


def _release(action: Release) -> bool:
    return Claim.objects.filter(worker_id=action.worker_id).delete()[0] > 0


def _promote(action: Promote) -> bool:
    return Worker.objects.filter(pk=action.worker_id).exclude(replaces=None).update(replaces=None) > 0


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
    NodeBack: _node_back,
    NodeLost: _node_lost,
    Promote: _promote,
    Release: _release,
}
