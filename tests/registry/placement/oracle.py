"""A slow second opinion: whether a request fits at all, by trying every node and device in turn."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from registry.placement import DeviceView, Request

POWERS = (1, 2, 4, 8, 16, 32, 64)


@dataclass
class Held:
    """What of each device is claimed and by how many, as the test itself counts it."""

    claimed: dict[int, int]
    holders: dict[int, int]

    @classmethod
    def of(cls, devices: Iterable[DeviceView]) -> Held:
        devices = list(devices)
        return cls({device.id: device.claimed for device in devices}, {device.id: device.holders for device in devices})

    def add(self, claims: Iterable[tuple[int, int]], sign: int = 1) -> None:
        for device_id, size in claims:
            self.claimed[device_id] += sign * size
            self.holders[device_id] += sign


def fits(request: Request, devices: Sequence[DeviceView], held: Held) -> bool:
    """Whether any choice of devices that the request allows has room."""
    if request.groups:
        return any(_group_fits(request, group, devices, held) for group in request.groups)
    usable = _of_kind(request, [device for device in devices if _allowed(request, device)])
    count = _count(request, usable)
    room = defaultdict(int)
    for device in usable:
        room[device.node_id] += _has_room(request, device, count, held)
    return any(found >= count for found in room.values())


def _group_fits(request: Request, group: Iterable[tuple[str, int]], devices: Sequence[DeviceView], held: Held) -> bool:
    group = list(group)
    count = request.gpus or len(group)
    named = [device for device in devices if (device.node, device.index) in group and _allowed(request, device)]
    named = [device for device in named if request.device in {"auto", device.kind}]
    return sum(_has_room(request, device, count, held) for device in named) >= count


def _allowed(request: Request, device: DeviceView) -> bool:
    simulated_is_fine = request.engine == "echo" or not device.simulated
    return not device.unusable and request.labels <= device.labels and simulated_is_fine


def _of_kind(request: Request, usable: list[DeviceView]) -> list[DeviceView]:
    if request.device != "auto":
        return [device for device in usable if device.kind == request.device]
    gpus = [device for device in usable if device.kind == "cuda"]
    if gpus or request.gpus is not None or request.max_per_gpu is not None:
        return gpus
    return usable


def _count(request: Request, usable: list[DeviceView]) -> int:
    """As said, else the least power of two of GPUs that are big enough when they are empty."""
    if request.gpus is not None:
        return request.gpus
    if not usable or usable[0].kind == "cpu":
        return 1
    nodes: Mapping[int, list[int]] = defaultdict(list)
    for device in usable:
        nodes[device.node_id].append(device.capacity)
    most = max(map(len, nodes.values()))
    for count in POWERS:
        share = request.share(count)
        limited = request.max_per_gpu is not None and share > request.max_per_gpu
        if not limited and any(sum(each >= share for each in node) >= count for node in nodes.values()):
            return count
    return max(power for power in POWERS if power <= most)


def _has_room(request: Request, device: DeviceView, count: int, held: Held) -> bool:
    share = request.share(count)
    if request.max_per_gpu is not None and share > request.max_per_gpu:
        return False
    if request.exclusive and held.holders[device.id]:
        return False
    return device.total - device.foreign - held.claimed[device.id] >= share


def standing(devices: Sequence[DeviceView], held: Held) -> list[DeviceView]:
    """The devices as rows would show them now."""
    return [replace(device, claimed=held.claimed[device.id], holders=held.holders[device.id]) for device in devices]
