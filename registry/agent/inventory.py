"""The node's devices: looked at beside the cycle, and written down when something changed."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Sum
from django.db.models.functions import Now

from registry.agent import devices, simulated
from registry.agent.devices import ObservedDevice
from registry.agent.holders import Holder, Running, described, foreign_bytes, holders, sight
from registry.agent.look import Look
from registry.agent.setup import Setup
from registry.lifecycle import notify, record
from registry.models import Claim, Device, Node

LOOK_S = 2.0
WRITE_S = 5.0  # also without change: pages show when a device was last seen
NOISE = {"memory_used_bytes": 64 * 2**20, "utilization_percent": 5.0, "temperature_c": 2.0, "power_w": 15.0}
SENSED = ("kind", "uuid", "name", "memory_total_bytes", *NOISE, "simulated", "foreign_bytes", "foreign_processes")

Facts = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Sighting:
    """What one look showed. `begun` in monotonic seconds."""

    begun: float
    devices: tuple[ObservedDevice, ...]


class Inventory:
    """Looks at the devices, and tells the row, the memory check and the quarantine what there is."""

    def __init__(self, name: str, setup: Setup) -> None:
        self._name = name
        self._cards = setup.cards
        self._look: Look[Sighting] = Look("devices")
        self._gpus_expected = not setup.cards and _had_gpus(name)
        self._written: dict[int, Facts] = {}
        self._written_at = 0.0
        self._wanted = False
        self.sighting: Sighting | None = None
        self.holders: dict[str, tuple[Holder, ...]] = {}  # by the card's uuid

    def first_sight(self) -> list[ObservedDevice]:
        """The devices at the time of joining; this one look is waited for."""
        self.sighting = self._observe()
        return list(self.sighting.devices)

    def want(self) -> None:
        """Look again as soon as possible."""
        self._wanted = True

    def turn(self, node: Node, running: Running) -> bool:
        """Take what was seen, and look again when it is time. True: there was something new to see."""
        fresh = self._look.result()
        if fresh is not None:
            self._take(fresh, node, running)
        stale = self.sighting is None or time.monotonic() - self.sighting.begun >= LOOK_S
        if (stale or self._wanted) and self._look.begin(self._observe_in_thread()):
            self._wanted = False
        return fresh is not None

    def close(self) -> bool:
        return self._look.close()

    def _observe_in_thread(self) -> Callable[[], Sighting]:
        if not self._cards:
            return self._observe
        sighting = self._observe()  # needs the database and no driver, so it belongs into the cycle's thread
        return lambda: sighting

    def _observe(self) -> Sighting:
        begun = time.monotonic()
        if self._cards:
            seen = simulated.observe(self._name, self._cards, held=_held(self._name))
        else:
            seen = devices.observe(gpus_expected=self._gpus_expected)
            self._gpus_expected = self._gpus_expected or any(device.kind == "cuda" for device in seen)
        return Sighting(begun, tuple(seen))

    def _take(self, sighting: Sighting, node: Node, running: Running) -> None:
        eyes = sight()
        self.sighting = sighting
        self.holders = {device.uuid: holders(device.processes, running, eyes) for device in sighting.devices}
        facts = {device.index: facts_of(device, self.holders[device.uuid]) for device in sighting.devices}
        due = time.monotonic() - self._written_at >= WRITE_S
        if due or differ(self._written, facts):
            write(node, facts)
            if facts.keys() != self._written.keys():
                mark_missing(node, facts)
                notify("node")
            self._written, self._written_at = facts, time.monotonic()


def facts_of(device: ObservedDevice, held: Sequence[Holder] = ()) -> Facts:
    """The columns of a device that an agent senses."""
    own = {name: getattr(device, name) for name in SENSED if not name.startswith("foreign_")}
    return own | {"foreign_bytes": foreign_bytes(device, held), "foreign_processes": described(held)}


def differ(before: Mapping[int, Facts], now: Mapping[int, Facts]) -> bool:
    """Whether anything changed by more than its noise."""
    return before.keys() != now.keys() or any(_changed(before[index], now[index]) for index in now)


def _changed(before: Facts, now: Facts) -> bool:
    return any(_moved(before[name], now[name], NOISE.get(name)) for name in SENSED)


def _moved(before: Any, now: Any, noise: float | None) -> bool:
    if noise is None or before is None or now is None:
        return bool(before != now)
    return bool(abs(now - before) > noise)


def write(node: Node, facts: Mapping[int, Facts]) -> None:
    """All devices in one statement."""
    common = {"node": node, "present": True, "observed_at": Now()}
    Device.objects.bulk_create(
        [Device(index=index, **common, **sensed) for index, sensed in facts.items()],
        update_conflicts=True,
        unique_fields=["node", "index"],
        update_fields=[*SENSED, "present", "observed_at"],
    )


def mark_missing(node: Node, facts: Mapping[int, Facts]) -> None:
    """A device that is no longer seen stays, marked as absent, for its claims point to it."""
    missing = Device.objects.filter(node=node, present=True).exclude(index__in=facts)
    for device in missing:
        reason = f"{device.name} is no longer seen; nothing is placed on it until it is back"
        record(actor="agent", subject=f"device {node.name}:{device.index}", reason=reason)
    missing.update(present=False)


def _had_gpus(name: str) -> bool:
    return Device.objects.filter(node__name=name, kind=Device.Kind.CUDA, simulated=False).exists()


def _held(name: str) -> dict[int, int]:
    """Bytes that running launches hold of each of the node's devices, by index."""
    running = Claim.objects.filter(
        device__node__name=name, worker__launching_at__isnull=False, worker__exited_at__isnull=True
    )
    return dict(running.values_list("device__index").annotate(Sum("bytes")))
