"""Why each device was refused."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from registry.measures import format_bytes
from registry.placement.census import Census
from registry.placement.refusals import Refusal
from registry.placement.views import DeviceView, Request

# A long answer counts devices under these.
TOO_FULL = "too little of its memory is free"
HELD = "is held by others, and is wanted whole"
OVER_LIMIT = "may not give so much of one GPU"
LONELY = "has room, but too few others of its node have"
NOT_NAMED = "is not among the named devices"
UNKNOWN = "there is no such device"


class Reasons:
    """One refused request, against free bytes and holders by position."""

    def __init__(self, census: Census, request: Request, *, free: Sequence[int], holders: Sequence[int]) -> None:
        self._census, self._request, self._free, self._holders = census, request, free, holders
        self._filter = census.named_filter(request) if request.groups else census.filter(request)
        self._named = _counts_of_named(census, request)
        self.count = 1 if request.groups else census.eligible(self._filter).count(request)

    def all(self) -> Iterator[Refusal]:
        """Every device, in the fleet's order, and named ones that do not exist."""
        yield from map(self.of, range(len(self._census.devices)))
        yield from self.unknown()

    def named(self) -> Iterator[Refusal]:
        """Those that the request names, in its order."""
        yield from map(self.of, self._named)
        yield from self.unknown()

    def unknown(self) -> Iterator[Refusal]:
        """Names of devices that are not there."""
        names = dict.fromkeys(name for group in self._request.groups for name in group)
        for node, index in names.keys() - self._census.named.keys():
            yield Refusal(f"{node}:{index}", UNKNOWN)

    def of(self, position: int) -> Refusal:
        """The first thing that keeps the request from this device."""
        device = self._census.devices[position]
        if self._request.groups and position not in self._named:
            return Refusal(device.label, NOT_NAMED)
        if barred := self._filter.bars(device):
            return Refusal(device.label, barred)
        reason, group = self._shortage(device, position)
        return Refusal(device.label, reason, group)

    def _shortage(self, device: DeviceView, position: int) -> tuple[str, str]:
        request, free, holders = self._request, self._free[position], self._holders[position]
        count = self._named.get(position, self.count)
        share = request.share(count)
        if request.exclusive and holders:
            return f"is held by {_workers(holders)}, and is wanted whole", HELD
        needed = f"{format_bytes(share)} are needed{f' on each of {count}' if count > 1 else ''}"
        if request.max_per_gpu is not None and share > request.max_per_gpu:
            return f"{needed}, at most {format_bytes(request.max_per_gpu)} of one may be taken", OVER_LIMIT
        if free < share:
            return f"{_room(device, free)}, {needed}", TOO_FULL
        return f"has room, but fewer than {count} devices of its node have, and {count} are needed", LONELY


def _counts_of_named(census: Census, request: Request) -> dict[int, int]:
    """Position of each named device → how many devices of its group share the request."""
    counts: dict[int, int] = {}
    for group in request.groups:
        for name in group:
            if name in census.named:
                counts.setdefault(census.named[name], request.gpus or len(group))
    return counts


def _workers(count: int) -> str:
    return f"{count} worker{'s' if count > 1 else ''}"


def _room(device: DeviceView, free: int) -> str:
    room = f"{format_bytes(max(0, free))} of {format_bytes(device.total)} are free"
    return f"{room} ({format_bytes(device.foreign)} are held by other programs)" if device.foreign else room
