"""What does not change while a fleet is placed on: who is where, and which devices a kind of request may use at all."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from inference.protocol.engines import engine_entry
from registry.placement.views import DeviceView, Labels, Request

# More GPUs than one are taken by themselves in these numbers only: attention heads and layers divide by them.
SIZES = (1, 2, 4, 8, 16, 32, 64)


@dataclass(frozen=True, slots=True)
class Filter:
    """What of a request decides which devices it may use, whatever their room. An empty `kind` takes any."""

    kind: str
    labels: Labels
    echo: bool

    def bars(self, device: DeviceView) -> str:
        """Why this device cannot be used, or nothing."""
        if device.unusable:
            return device.unusable
        if self.kind and device.kind != self.kind:
            return f"is a {device.kind} device, {self.kind} is wanted"
        if not self.labels <= device.labels:
            lacking = ", ".join(f"{key}={value}" for key, value in sorted(self.labels - device.labels))
            return f"its node lacks the label {lacking}"
        if device.simulated and not self.echo:
            return "is simulated: only the engine echo runs there"
        return ""


class Eligible:
    """The devices that a filter lets through, as positions in the fleet, and what it bars, by reason."""

    def __init__(self, census: Census, chosen: Filter) -> None:
        self.kind = chosen.kind
        self.barred: dict[str, list[int]] = defaultdict(list)
        self.by_node: dict[int, list[int]] = {}
        positions: list[int] = []
        for alike in census.classes:
            reason = chosen.bars(census.devices[alike[0]])
            (self.barred[reason] if reason else positions).extend(alike)
        self.positions = sorted(positions)
        for node, members in groupby(self.positions, census.node_of.__getitem__):
            self.by_node.setdefault(node, []).extend(members)
        self._capacity = _capacities(census.devices, self.by_node.values())

    @property
    def largest(self) -> int:
        """The most devices that one request may take by itself."""
        return max(self._capacity, default=1)

    def count(self, request: Request) -> int:
        """How many devices share this request: what it says, else the fewest that are big enough when empty."""
        if request.gpus is not None:
            return request.gpus
        enough = (
            size
            for size, capacity in self._capacity.items()
            if request.share(size) <= min(capacity, request.max_per_gpu or capacity)
        )
        return next(enough, self.largest)


class Census:
    """The fleet's devices, by position. Equal ones are kept together, so that a filter looks at few."""

    def __init__(self, devices: Iterable[DeviceView]) -> None:
        self.devices = tuple(devices)
        self.position = {device.id: position for position, device in enumerate(self.devices)}
        self.named = {(device.node, device.index): position for position, device in enumerate(self.devices)}
        self.nodes: dict[int, int] = {}  # node id → node number
        alike: dict[tuple[object, ...], list[int]] = defaultdict(list)
        for position, device in enumerate(self.devices):
            self.nodes.setdefault(device.node_id, len(self.nodes))
            alike[device.kind, device.simulated, device.labels, device.unusable].append(position)
        self.classes = list(alike.values())
        self.node_of = [self.nodes[device.node_id] for device in self.devices]
        self._eligible: dict[Filter, Eligible] = {}
        self._meant: dict[Filter, Filter] = {}

    def filter(self, request: Request) -> Filter:
        """Devices that are asked for by number or limit are GPUs; auto means GPUs where the request may use some."""
        gpus = request.gpus is not None or request.max_per_gpu is not None
        wished = "cuda" if gpus and request.device == "auto" else request.device
        chosen = Filter(wished, request.labels, not engine_entry(request.engine).loads_weights)
        if chosen not in self._meant:
            self._meant[chosen] = self._usable_kind(chosen) if wished == "auto" else chosen
        return self._meant[chosen]

    def _usable_kind(self, chosen: Filter) -> Filter:
        kinds = (replace(chosen, kind=kind) for kind in ("cuda", "cpu"))
        # With nothing of either, the kind is not the reason.
        return next((each for each in kinds if self.eligible(each).positions), replace(chosen, kind=""))

    def named_filter(self, request: Request) -> Filter:
        """Of named devices the kind is whatever was named, unless the request insists."""
        kind = "" if request.device == "auto" else request.device
        return Filter(kind, request.labels, not engine_entry(request.engine).loads_weights)

    def eligible(self, chosen: Filter) -> Eligible:
        """Worked out once for each filter."""
        if chosen not in self._eligible:
            self._eligible[chosen] = Eligible(self, chosen)
        return self._eligible[chosen]


def _capacities(devices: Sequence[DeviceView], nodes: Iterable[list[int]]) -> dict[int, int]:
    """By number of devices: the most bytes that one node has on each of so many, when they are empty."""
    best: dict[int, int] = {}
    for members in nodes:
        sizes = SIZES if devices[members[0]].kind == "cuda" else SIZES[:1]
        capacities = sorted((devices[position].capacity for position in members), reverse=True)
        for size in sizes:
            if size <= len(capacities):
                best[size] = max(best.get(size, 0), capacities[size - 1])
    return dict(sorted(best.items()))
