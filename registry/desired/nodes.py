"""What operators ask of nodes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext, ngettext

from registry.clock import database_now
from registry.desired.announce import announce
from registry.errors import InvalidDesire, NotFound
from registry.lifecycle import record, transition
from registry.models import Claim, Node, Worker
from registry.plan.nodes import NODE_LATE
from registry.states import ACTIVE, WorkerState

LABEL_KEY = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._/-]{0,61}[A-Za-z0-9])?")
LONGEST_VALUE = 63
LONGEST_DRAIN = timedelta(days=7)


def find_node(name: str) -> Node:
    """The node of this name. Raises `NotFound`, which says what there is."""
    node = Node.objects.filter(name=name).first()
    if node is None:
        known = ", ".join(Node.objects.values_list("name", flat=True)[:20]) or "none yet"
        raise NotFound(f"There is no node {name!r}. Nodes: {known}.")
    return node


def cordon(node: Node, *, cordoned: bool, actor: str) -> None:
    """Give a node no new workers, or give it some again, which also ends a drain; what runs there goes on."""
    with transaction.atomic():
        different = Node.objects.filter(pk=node.pk).exclude(cordoned=cordoned, drain_deadline=None)
        if cordoned:
            different = different.filter(cordoned=False)
        changes = {"cordoned": cordoned, "changed_by": actor} | ({} if cordoned else {"drain_deadline": None})
        if different.update(**changes):
            _tell(node, "cordon" if cordoned else "uncordon", actor=actor)


def drain(node: Node, *, timeout_s: float, actor: str) -> datetime:
    """Empty a node: its replicas move elsewhere where they fit, and what still runs at the deadline is stopped.

    Returns the deadline, on the database's clock.
    """
    if not 0 <= timeout_s <= LONGEST_DRAIN.total_seconds():
        raise InvalidDesire(gettext("A drain takes a time-out from 0 to 604800 seconds."))
    deadline = database_now() + timedelta(seconds=timeout_s)
    with transaction.atomic():
        Node.objects.filter(pk=node.pk).update(cordoned=True, drain_deadline=deadline, changed_by=actor)
        _tell(node, f"drain: what still runs after {timeout_s:g} s is stopped", actor=actor)
    return deadline


def label(node: Node, changes: Mapping[str, str | None], *, actor: str) -> dict[str, str]:
    """Set labels, and delete those whose value is None. Returns all that the node has now."""
    for key, value in changes.items():
        _check_label(key, value)
    with transaction.atomic():
        locked = Node.objects.select_for_update().get(pk=node.pk)
        merged: dict[str, str | None] = locked.labels | changes
        labels = {key: value for key, value in merged.items() if value is not None}
        if labels != locked.labels:
            Node.objects.filter(pk=node.pk).update(labels=labels, changed_by=actor)
            written = ", ".join(f"{key}={value}" for key, value in sorted(labels.items())) or "none"
            _tell(node, f"labels: {written}", actor=actor)
    return labels


def remove_node(node: Node, *, actor: str, force: bool = False) -> None:
    """Forget a node and its devices. Raises `InvalidDesire` while it lives or holds workers, unless forced.

    Forced, its workers are LOST and placed elsewhere; their processes end by themselves at their next beat.
    """
    with transaction.atomic():
        locked = Node.objects.select_for_update().filter(pk=node.pk).first()
        if locked is None:
            return
        if not force:
            _check_removable(locked)
        for worker in Worker.objects.filter(node=locked, state__in=ACTIVE).select_related("deployment", "revision"):
            transition(worker, WorkerState.LOST, actor=actor, reason=f"{actor} removed the node {locked.name}")
        Claim.objects.filter(device__node=locked).delete()
        _tell(locked, "remove", actor=actor)
        locked.delete()


def _check_removable(node: Node) -> None:
    silent = node.last_seen_at is None or database_now() - node.last_seen_at > NODE_LATE
    if node.left_at is None and not silent:
        words = gettext("The agent of {node} is running: stop it first, then remove the node.")
        raise InvalidDesire(words.format(node=node.name))
    alive = Q(state__in=ACTIVE) | Q(launching_at__isnull=False, exited_at__isnull=True)
    count = node.workers.filter(alive).count()
    if count:
        words = ngettext(
            "{node} has {count} worker that may still run: drain it first, or remove it by force, which gives them up "
            "as lost.",
            "{node} has {count} workers that may still run: drain it first, or remove it by force, which gives them up "
            "as lost.",
            count,
        )
        raise InvalidDesire(words.format(node=node.name, count=count))


def _check_label(key: str, value: str | None) -> None:
    if not LABEL_KEY.fullmatch(key):
        words = gettext("{key} cannot be a label: use letters, digits and . _ / - (at most 63).")
        raise InvalidDesire(words.format(key=repr(key)))
    if value is not None and (not value.isprintable() or len(value) > LONGEST_VALUE):
        words = gettext("The label {key} can hold at most {most} printable characters.")
        raise InvalidDesire(words.format(key=key, most=LONGEST_VALUE))


def _tell(node: Node, what: str, *, actor: str) -> None:
    record(actor=actor, subject=f"node {node.name}", reason=what)
    announce()
