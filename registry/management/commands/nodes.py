"""`modelyard nodes`: the machines."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from django.core.management.base import CommandParser

from registry.management.command import YardCommand
from registry.management.rows import node_rows
from registry.measures import format_age, format_bytes

COLUMNS = (
    *("name", "state", "labels", "hardware", "claimed", "used", "total", "workers"),
    *("disk_free", "version", "last_seen"),
)
DEVICE_COLUMNS = ("device", "state", "name", "claimed", "used", "total", "load", "foreign")


class Command(YardCommand):
    """One line a node; below, what an operator should know of its devices."""

    help = "List the nodes: what they are, what they have, and how they are."
    examples = ("", "--devices", "--json")
    lists = True

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--devices", action="store_true", help="One line a device instead of one a node.")

    def handle(self, *args: Any, **options: Any) -> None:
        nodes = node_rows()
        devices = [device for node in nodes for device in node["devices"]]
        if options["as_json"]:
            self.print_json(devices if options["devices"] else nodes)
            return
        shown = list(map(_device_line, devices)) if options["devices"] else list(map(_node_line, nodes))
        self.print_rows(
            shown,
            columns=DEVICE_COLUMNS if options["devices"] else COLUMNS,
            as_json=False,
            nothing="No nodes yet: `modelyard agent` makes a machine one, and `modelyard up` does it for this machine.",
        )
        for line in notes(devices):
            self.stdout.write(line)


def notes(devices: list[dict[str, Any]]) -> Iterator[str]:
    """What keeps workers off a device, a sentence each."""
    for device in devices:
        if device["quarantine"]:
            yield f"{device['device']} is in quarantine: {device['quarantine']}"
        if device["foreign_bytes"]:
            held = format_bytes(device["foreign_bytes"])
            holders = ", ".join(map(_process, device["foreign_processes"])) or "processes that are not named"
            yield f"{device['device']}: {held} are held by {holders}, not by Modelyard."


def _node_line(node: dict[str, Any]) -> dict[str, Any]:
    seen = node["last_seen_s"]
    return {
        "name": node["name"],
        "state": node["state"],
        "labels": [f"{key}={value}" for key, value in sorted(node["labels"].items())],
        "hardware": node["hardware"],
        **_memory(node),
        "workers": node["workers"],
        "disk_free": _size(node["disk_free_bytes"]),
        "version": node["version"],
        "last_seen": f"{format_age(timedelta(seconds=seen))} ago" if seen is not None else "never",
    }


def _device_line(device: dict[str, Any]) -> dict[str, Any]:
    return {
        "device": device["device"],
        "state": " ".join(_device_state(device)),
        "name": device["name"],
        **_memory(device),
        "load": _load(device),
        "foreign": _size(device["foreign_bytes"] or None),
    }


def _device_state(device: dict[str, Any]) -> Iterator[str]:
    if not device["present"]:
        yield "absent"
    else:
        yield "quarantined" if device["quarantine"] else "usable"
    if device["simulated"]:
        yield "(simulated)"


def _memory(row: dict[str, Any]) -> dict[str, str]:
    return {name: _size(row[f"memory_{name}_bytes"]) for name in ("claimed", "used", "total")}


def _load(device: dict[str, Any]) -> str:
    figures = (("utilization_percent", "%"), ("temperature_c", "°C"), ("power_w", "W"))
    return ", ".join(f"{device[name]:.0f} {unit}" for name, unit in figures if device[name] is not None)


def _size(size: int | None) -> str:
    return "" if size is None else format_bytes(size)


def _process(process: dict[str, Any]) -> str:
    return f"{process['name']} (pid {process['pid']}, {format_bytes(process['bytes'])})"
