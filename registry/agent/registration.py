"""The node's own rows: joining, beating, leaving."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Mapping
from datetime import timedelta
from importlib.metadata import version
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now

from inference.protocol.version import PROTOCOL_VERSION
from registry import desired
from registry.agent import inventory
from registry.agent.devices import ObservedDevice
from registry.agent.identity import boot_id
from registry.agent.setup import Setup
from registry.errors import InvalidDesire, Superseded
from registry.lifecycle import notify, record
from registry.models import Node

BEATING_S = 5  # an agent that beat within these seconds lives


def default_name() -> str:
    """This machine's host name, made fit for a node's name."""
    name = re.sub(r"[^a-z0-9-]+", "-", socket.gethostname().split(".")[0].lower()).strip("-")
    return name[:40].rstrip("-") or "node"


def join(name: str, session: UUID, devices: list[ObservedDevice], *, setup: Setup | None = None) -> Node:
    """Register this machine, or take its row over from an earlier agent."""
    setup = setup or Setup()
    facts = {
        "address": setup.address,
        "simulated": bool(setup.cards),
        "protocol_version": PROTOCOL_VERSION,
        "hostname": socket.gethostname()[:255],
        "boot_id": boot_id(),
        "agent_session": session,
        "agent_pid": os.getpid(),
        "agent_version": version("modelyard"),
        "last_seen_at": Now(),
        "left_at": None,
    }
    with transaction.atomic():
        _refuse_second_machine(name)
        node, created = Node.objects.update_or_create(name=name, defaults=facts)
        sensed = {device.index: inventory.facts_of(device) for device in devices}
        inventory.write(node, sensed)
        inventory.mark_missing(node, sensed)
        desired.label(node, setup.labels, actor="agent")
        record(actor="agent", subject=f"node {name}", reason="joined" if created else "back")
        notify("node")
    return node


def _refuse_second_machine(name: str) -> None:
    """On the same machine a new agent takes over: that is how one is restarted. Elsewhere it would be a theft."""
    fresh = Q(last_seen_at__gt=Now() - timedelta(seconds=BEATING_S), left_at__isnull=True, agent_session__isnull=False)
    other = Node.objects.select_for_update().filter(fresh, name=name).exclude(boot_id=boot_id()).first()
    if other is not None:
        raise InvalidDesire(
            f"The node {name!r} is in use: its agent runs on {other.hostname}. Give this machine another name with "
            "--name, or stop that agent first."
        )


def beat(node: Node, session: UUID, *, facts: Mapping[str, object] | None = None) -> None:
    """Say that this agent lives. Raises `Superseded` when the node has another agent now, or was removed."""
    if Node.objects.filter(pk=node.pk, agent_session=session).update(last_seen_at=Now(), **(facts or {})):
        return
    if Node.objects.filter(pk=node.pk).exists():
        raise Superseded(f"another agent has joined as {node.name!r}; give each machine a name of its own with --name")
    raise Superseded(f"the node {node.name!r} was removed; start this agent again to join anew")


def leave(node: Node, session: UUID) -> None:
    """Say goodbye, so that nobody has to find out."""
    with transaction.atomic():
        if Node.objects.filter(pk=node.pk, agent_session=session).update(left_at=Now(), agent_session=None):
            record(actor="agent", subject=f"node {node.name}", reason="left")
            notify("node")
