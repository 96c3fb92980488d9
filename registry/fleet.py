"""The fleet's rows as placement sees them: four queries, however many there are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, Sum

from registry.models import Claim, Device, ModelFiles, Node
from registry.placement import DeviceView, Labels, labels_of
from registry.plan.nodes import NODE_LATE

NODE_FIELDS = ("id", "name", "labels", "cordoned", "drain_deadline", "left_at", "lost_at", "last_seen_at")
DEVICE_FIELDS = (
    *("id", "node_id", "index", "kind", "memory_total_bytes", "foreign_bytes", "simulated", "present", "quarantine"),
)
NOTHING = (0, 0)


@dataclass(frozen=True, slots=True)
class _Place:
    """What the devices of one node share."""

    name: str
    labels: Labels
    unusable: str


def load_devices(now: datetime) -> list[DeviceView]:
    """Every device with its claims, and why it is barred if it is. `now` is the database's clock."""
    nodes = {row["id"]: _place(row, now) for row in Node.objects.values(*NODE_FIELDS)}
    claims = Claim.objects.order_by().values_list("device_id").annotate(Sum("bytes"), Count("id"))
    held = {device_id: (claimed, holders) for device_id, claimed, holders in claims}
    rows = Device.objects.order_by("node__name", "index").values_list(*DEVICE_FIELDS)
    return [_view(row, nodes[row[1]], held.get(row[0], NOTHING)) for row in rows if row[1] in nodes]


def load_files() -> dict[int, frozenset[str]]:
    """The paths of models that each node was seen to have."""
    paths: defaultdict[int, set[str]] = defaultdict(set)
    for node_id, path in ModelFiles.objects.filter(present=True).values_list("node_id", "path"):
        paths[node_id].add(path)
    return {node_id: frozenset(found) for node_id, found in paths.items()}


def _view(row: tuple[Any, ...], place: _Place, held: tuple[int, int]) -> DeviceView:
    device_id, node_id, index, kind, total, foreign, simulated, present, quarantine = row
    return DeviceView(
        id=device_id,
        node_id=node_id,
        node=place.name,
        index=index,
        kind=kind,
        total=total,
        claimed=held[0],
        foreign=foreign,
        holders=held[1],
        simulated=simulated,
        labels=place.labels,
        unusable=place.unusable or _barred(present=present, quarantine=quarantine),
    )


def _barred(*, present: bool, quarantine: str) -> str:
    if not present:
        return "the agent no longer sees this device"
    return f"is in quarantine: {quarantine}" if quarantine else ""


def _place(row: Mapping[str, Any], now: datetime) -> _Place:
    return _Place(row["name"], labels_of(row["labels"]), _unusable(row, now))


def _unusable(node: Mapping[str, Any], now: datetime) -> str:
    if node["drain_deadline"] is not None:
        return "the node is being drained"
    if node["cordoned"]:
        return "the node is cordoned"
    if node["left_at"] is not None:
        return "the node's agent has left"
    heard_at = node["last_seen_at"]
    if node["lost_at"] is not None or heard_at is None or now - heard_at > NODE_LATE:
        return "the node's agent is silent; is it running?"
    return ""
