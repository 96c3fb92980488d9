"""What is free in a fleet right now: the part that changes while replicas are placed."""

from __future__ import annotations

from collections.abc import Sequence

from registry.placement.census import Census
from registry.placement.views import Claims


class Room:
    """Free bytes and holders of each device, by position, and a journal of all changes."""

    def __init__(self, census: Census) -> None:
        self._census = census
        self.free = [device.free for device in census.devices]
        # A claim has a holder, also where a caller did not count them.
        self.holders = [device.holders or int(device.claimed > 0) for device in census.devices]
        self.changed: list[int] = []  # positions, oldest change first
        self.changed_nodes: list[int] = []  # the same changes, by number of the node
        self._before: list[tuple[int, int]] = []  # free and holders before each change

    def reserve(self, claims: Claims) -> None:
        """Take these bytes for one more holder."""
        for device_id, size in claims:
            self._change(self._census.position[device_id], -size, holders=1)

    def give_back(self, claims: Claims) -> None:
        """Undo `reserve`, or a claim that the fleet began with."""
        for device_id, size in claims:
            self._change(self._census.position[device_id], size, holders=-1)

    def figure(self, position: int) -> int:
        """Bytes for a replica that shares its device."""
        return self.free[position]

    def whole_figure(self, position: int) -> int | None:
        """Bytes for a replica that wants the device alone; None: somebody is there."""
        return None if self.holders[position] else self.free[position]

    def as_of(self, moment: int) -> tuple[Sequence[int], Sequence[int]]:
        """Free bytes and holders after the first `moment` changes."""
        free, holders = list(self.free), list(self.holders)
        for change in range(len(self.changed) - 1, moment - 1, -1):
            position = self.changed[change]
            free[position], holders[position] = self._before[change]
        return free, holders

    def _change(self, position: int, size: int, *, holders: int) -> None:
        self._before.append((self.free[position], self.holders[position]))
        self.free[position] += size
        self.holders[position] = max(0, self.holders[position] + holders)
        self.changed.append(position)
        self.changed_nodes.append(self._census.node_of[position])
