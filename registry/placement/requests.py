"""From what an operator wrote to a request: named devices, labels, and a revision's snapshot."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext

from registry.errors import InvalidDesire
from registry.placement.views import Group, Labels, Request

GROUP = re.compile(r"([a-z0-9][a-z0-9-]*):(\d{1,4}(?:,\d{1,4})*)")


def request_of(snapshot: Mapping[str, Any], claim_bytes: int) -> Request:
    """What one replica of this revision needs. Snapshots of older releases lack the newer fields."""
    return Request(
        bytes=claim_bytes,
        device=snapshot["options"].get("device", "auto"),
        gpus=snapshot.get("gpus"),
        groups=parse_devices(snapshot.get("devices") or ""),
        labels=labels_of(snapshot.get("node_labels") or {}),
        max_per_gpu=snapshot.get("max_memory_per_gpu_bytes"),
        exclusive=bool(snapshot.get("exclusive")),
        strategy=snapshot.get("strategy") or "spread",
        engine=snapshot["engine"],
        path=snapshot["path"],
    )


def labels_of(written: Mapping[str, Any]) -> Labels:
    """Labels of a node, or wished of one, as they are compared: a JSON number means its text."""
    return frozenset((key, str(value)) for key, value in written.items())


def parse_devices(written: str) -> tuple[Group, ...]:
    """`node-a:2,3 node-b:0` as groups of named devices, in the written order. Raises `InvalidDesire`."""
    return tuple(_group(word) for word in written.split())


def _group(word: str) -> Group:
    match = GROUP.fullmatch(word)
    if match is None:
        words = gettext(
            "{text} names no devices: write a node and its devices, such as node-a:2,3; several groups by spaces."
        )
        raise InvalidDesire(words.format(text=repr(word)))
    indices = [int(index) for index in match[2].split(",")]
    twice = next((index for index in indices if indices.count(index) > 1), None)
    if twice is not None:
        words = gettext("{text}: the device {index} is named twice in one group.")
        raise InvalidDesire(words.format(text=word, index=twice))
    return tuple((match[1], index) for index in indices)
