"""Where a replica goes: one pure function, which also says why each device was refused."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from registry.measures import format_bytes

DeviceKind = Literal["cpu", "cuda"]
DeviceWish = Literal["auto", "cpu", "cuda"]


@dataclass(frozen=True, slots=True)
class DeviceView:
    """A device as placement sees it, in bytes. `unusable` says why nothing may be placed there now, or is empty."""

    id: int
    node_id: int
    label: str
    kind: str
    total: int
    claimed: int
    unusable: str = ""

    @property
    def free(self) -> int:
        return self.total - self.claimed


@dataclass(frozen=True, slots=True)
class Request:
    """What one replica needs. `device` auto takes GPUs where the fleet has usable ones, else CPUs."""

    bytes: int
    device: DeviceWish = "auto"


@dataclass(frozen=True, slots=True)
class Placement:
    """The node, and the bytes claimed of each of its devices."""

    node_id: int
    claims: tuple[tuple[int, int], ...]
    label: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """A device, and why it was not taken."""

    device: str
    reason: str


@dataclass(frozen=True, slots=True)
class Unplaceable:
    """Nothing fits now."""

    refusals: tuple[Refusal, ...]

    @property
    def sentence(self) -> str:
        """All refusals in one line, for the worker's row."""
        if not self.refusals:
            return "no node has joined yet; its agent registers it"
        return "; ".join(f"{refusal.device}: {refusal.reason}" for refusal in self.refusals)


def place(request: Request, devices: Sequence[DeviceView]) -> Placement | Unplaceable:
    """The device with the most free memory that fits, or every refusal with its reason."""
    wanted = _wanted_kind(request, devices)
    refusals = [Refusal(device.label, reason) for device in devices if (reason := _refusal(request, device, wanted))]
    refused = {refusal.device for refusal in refusals}
    fitting = [device for device in devices if device.label not in refused]
    if not fitting:
        return Unplaceable(tuple(refusals))
    best = max(fitting, key=lambda device: (device.free, -device.id))
    return Placement(node_id=best.node_id, claims=((best.id, request.bytes),), label=best.label)


def _wanted_kind(request: Request, devices: Iterable[DeviceView]) -> DeviceKind:
    if request.device != "auto":
        return request.device
    usable = [device.kind for device in devices if not device.unusable]
    return "cuda" if "cuda" in usable else "cpu"


def _refusal(request: Request, device: DeviceView, wanted: DeviceKind) -> str:
    if device.unusable:
        return device.unusable
    if device.kind != wanted:
        return f"is a {device.kind} device, {wanted} is wanted"
    if device.free < request.bytes:
        free, total, needed = map(format_bytes, (device.free, device.total, request.bytes))
        return f"{free} of {total} are free, {needed} are needed"
    return ""
