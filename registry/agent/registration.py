"""The node's own rows: joining, beating, leaving."""

from __future__ import annotations

import os
import re
import socket
from dataclasses import asdict
from importlib.metadata import version
from uuid import UUID

from django.db import transaction
from django.db.models.functions import Now

from registry import desired
from registry.agent.devices import ObservedDevice
from registry.agent.identity import boot_id
from registry.agent.setup import Setup
from registry.errors import Superseded
from registry.lifecycle import notify, record
from registry.models import Device, Node


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
        "hostname": socket.gethostname()[:255],
        "boot_id": boot_id(),
        "agent_session": session,
        "agent_pid": os.getpid(),
        "agent_version": version("modelyard"),
        "last_seen_at": Now(),
        "left_at": None,
    }
    with transaction.atomic():
        node, created = Node.objects.update_or_create(name=name, defaults=facts)
        write_devices(node, devices)
        desired.label(node, setup.labels, actor="agent")
        record(actor="agent", subject=f"node {name}", reason="joined" if created else "back")
        notify("node")
    return node


def beat(node: Node, session: UUID) -> None:
    """Say that this agent lives. Raises `Superseded` when another agent has the node's name now."""
    if not Node.objects.filter(pk=node.pk, agent_session=session).update(last_seen_at=Now()):
        raise Superseded(f"another agent has joined as {node.name!r}; give each machine a name of its own with --name")


def leave(node: Node, session: UUID) -> None:
    """Say goodbye, so that nobody has to find out."""
    with transaction.atomic():
        if Node.objects.filter(pk=node.pk, agent_session=session).update(left_at=Now(), agent_session=None):
            record(actor="agent", subject=f"node {node.name}", reason="left")
            notify("node")


def write_devices(node: Node, devices: list[ObservedDevice]) -> None:
    """Store what is seen now; a device that is no longer seen stays, marked as absent, for its claims point to it."""
    for device in devices:
        facts = asdict(device) | {"present": True, "observed_at": Now()}
        Device.objects.update_or_create(node=node, index=facts.pop("index"), defaults=facts)
    seen = [device.index for device in devices]
    Device.objects.filter(node=node, present=True).exclude(index__in=seen).update(present=False)
