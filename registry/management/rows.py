"""Nodes, devices and workers as plain facts: what the commands that list them print, as a table or as JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db.models import F, Prefetch, Q, QuerySet, Sum
from django.db.models.functions import Coalesce, Now

from registry.clock import database_now
from registry.hints import hint_of
from registry.measures import format_bytes
from registry.models import Deployment, Device, Node, Worker
from registry.states import ACTIVE, WorkerState
from registry.status import node_status

# A launch that is over may still have a process, as long as its agent has not seen it end.
LIVES = Q(state__in=ACTIVE) | Q(launching_at__isnull=False, exited_at__isnull=True)


def node_rows() -> list[dict[str, Any]]:
    """Every node with its devices, in four queries. Sizes in bytes, summed over the devices that are there."""
    now = database_now()
    living = Counter(Worker.objects.filter(LIVES, node__isnull=False).values_list("node_id", flat=True))
    nodes = Node.objects.prefetch_related(Prefetch("devices", _with_claims(Device.objects.order_by("index"))))
    return [_node(node, living[node.pk], now=now) for node in nodes]


def worker_rows(*, over_too: bool = False) -> list[dict[str, Any]]:
    """Every launch that runs or is on its way, or every launch at all; newest first."""
    workers = Worker.objects.all() if over_too else Worker.objects.filter(state__in=ACTIVE)
    related = workers.select_related("deployment__model", "node", "revision").prefetch_related("claims__device__node")
    return [_worker(worker) for worker in related.annotate(silence=Now() - F("heartbeat_at")).defer("log_tail")]


def failure_hints(deployments: Iterable[Deployment]) -> dict[int, str]:
    """What to do about the newest failure of each deployment that has a hint for it, by the deployment's id."""
    newest = Worker.objects.filter(deployment__in=deployments, state=WorkerState.FAILED).exclude(cause="", hint="")
    rows = newest.order_by("deployment_id", "-id").distinct("deployment_id")
    return {worker.deployment_id: hint_of(worker) for worker in rows.select_related("revision", "node")}


def hardware(devices: Sequence[dict[str, Any]]) -> str:
    """The devices in a few words: `8 × H100 80 GiB, 1 × L4 24 GiB`."""
    kinds = Counter(f"{device['name']} {format_bytes(device['memory_total_bytes'])}" for device in devices)
    return ", ".join(f"{count} × {kind}" if count > 1 else kind for kind, count in kinds.items())


def _node(node: Node, living: int, *, now: datetime) -> dict[str, Any]:
    devices = [_device(device) for device in node.devices.all()]
    present = [device for device in devices if device["present"]]
    _, words = node_status(
        cordoned=node.cordoned,
        last_seen_at=node.last_seen_at,
        left_at=node.left_at,
        now=now,
        drain_deadline=node.drain_deadline,
    )
    return {
        "name": node.name,
        "state": f"{words} (simulated)" if node.simulated else words,
        "simulated": node.simulated,
        "cordoned": node.cordoned,
        "drain_deadline": node.drain_deadline,
        "labels": node.labels,
        "hardware": hardware(present),
        "memory_claimed_bytes": sum(device["memory_claimed_bytes"] for device in present),
        "memory_used_bytes": sum(device["memory_used_bytes"] or 0 for device in present),
        "memory_total_bytes": sum(device["memory_total_bytes"] for device in present),
        "workers": living,
        "disk_free_bytes": node.disk_free_bytes,
        "version": node.agent_version,
        "protocol": node.protocol_version,
        "last_seen_s": _seconds(now - node.last_seen_at if node.last_seen_at else None),
        "lost_at": node.lost_at,
        "hostname": node.hostname,
        "address": node.address,
        "devices": devices,
    }


def _with_claims(devices: QuerySet[Device]) -> QuerySet[Device]:
    return devices.select_related("node").annotate(claimed=Coalesce(Sum("claims__bytes"), 0))


def _device(device: Device) -> dict[str, Any]:
    return {
        "device": str(device),
        "index": device.index,
        "kind": device.kind,
        "uuid": device.uuid,
        "name": device.name,
        "present": device.present,
        "simulated": device.simulated,
        "memory_claimed_bytes": int(device.claimed),  # type: ignore[attr-defined]  # annotated
        "memory_used_bytes": device.memory_used_bytes,
        "memory_total_bytes": device.memory_total_bytes,
        "utilization_percent": device.utilization_percent,
        "temperature_c": device.temperature_c,
        "power_w": device.power_w,
        "foreign_bytes": device.foreign_bytes,
        "foreign_processes": device.foreign_processes,
        "quarantine": device.quarantine,
    }


def _worker(worker: Worker) -> dict[str, Any]:
    claims = list(worker.claims.all())
    return {
        "id": worker.pk,
        "launch_id": str(worker.launch_id),
        "deployment": worker.deployment.name,
        "model": worker.deployment.model.name,
        "replica": worker.replica,
        "revision": worker.revision.number,
        "node": worker.node.name if worker.node else None,
        "devices": [str(claim.device) for claim in claims],
        "claimed_bytes": sum(claim.bytes for claim in claims),
        "state": worker.state,
        "progress": worker.progress,
        "pid": worker.pid,
        "address": worker.address,
        "restarts": worker.attempt,
        "reason": worker.reason,
        "cause": worker.cause,
        "hint": worker.hint,
        "heartbeat_age_s": _seconds(worker.silence),  # type: ignore[attr-defined]  # annotated
    }


def _seconds(age: timedelta | None) -> float | None:
    return round(age.total_seconds(), 1) if age is not None else None
