"""What placement works on: devices, a request, and the place that answers it. All frozen; memory in bytes."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

from inference.protocol.engines import DEFAULT_ENGINE

DeviceKind = Literal["cpu", "cuda"]
DeviceWish = Literal["auto", "cpu", "cuda"]
StrategyName = Literal["spread", "pack"]

Labels = frozenset[tuple[str, str]]
Group = tuple[tuple[str, int], ...]  # named devices of one node, as (node, index), in the wished order
Claims = tuple[tuple[int, int], ...]  # (device id, bytes), first device first


@dataclass(frozen=True, slots=True)
class DeviceView:
    """A device as placement sees it. `unusable` says why nothing may be placed there now, or is empty."""

    id: int
    node_id: int
    node: str
    index: int
    kind: str
    total: int
    claimed: int
    foreign: int = 0  # held by processes that are not ours
    holders: int = 0  # workers with a claim
    simulated: bool = False
    labels: Labels = frozenset()  # its node's
    unusable: str = ""

    @property
    def label(self) -> str:
        """As operators name it: `node-a:2`."""
        return f"{self.node}:{self.index}"

    @property
    def capacity(self) -> int:
        """What our workers may have of it together."""
        return self.total - self.foreign

    @property
    def free(self) -> int:
        return self.capacity - self.claimed


@dataclass(frozen=True, slots=True)
class Request:
    """What one replica needs, and where it may go.

    `bytes` are split evenly over `gpus` devices of one node; None: as few as are big enough. `groups` name devices, the
    first group that has room is taken. `device` auto takes GPUs where the request may use some, else CPUs.
    """

    bytes: int
    device: DeviceWish = "auto"
    gpus: int | None = None
    groups: tuple[Group, ...] = ()
    labels: Labels = frozenset()
    max_per_gpu: int | None = None
    exclusive: bool = False
    strategy: StrategyName = "spread"
    engine: str = DEFAULT_ENGINE
    path: str = ""
    # Where the deployment's other replicas are: with "spread" another node is taken where one fits. Not part of what
    # makes two requests equal, since what fits nowhere fits nowhere with it too.
    avoid: frozenset[int] = field(default=frozenset(), compare=False)

    def share(self, count: int) -> int:
        """Bytes of each of `count` devices, rounded up. At least one: a device that has nothing left is full."""
        return max(1, -(-self.bytes // count))

    def for_replica(self, replica: int) -> Request:
        """With several groups each replica begins at its own one."""
        if len(self.groups) < 2:
            return self
        first = replica % len(self.groups)
        return replace(self, groups=self.groups[first:] + self.groups[:first])


@dataclass(frozen=True, slots=True)
class Placement:
    """The node, and the bytes claimed of its devices, first device first."""

    node_id: int
    claims: Claims
    label: str
