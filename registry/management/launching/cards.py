"""Which cards each launched model gets: its own, while there are enough."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from registry.errors import InvalidDesire
from registry.placement import DeviceView, Fleet, Group, Placement, Request, Unplaceable


@dataclass(frozen=True, slots=True)
class Need:
    """What each replica of a model needs. The first replicas go on the named `groups`, the others are dealt cards."""

    name: str
    request: Request
    replicas: int
    groups: tuple[Group, ...] = ()


@dataclass(slots=True)
class Dealer:
    """Deals the cards of a fleet. CPUs are shared by all, and so are named only when `names_cpus`."""

    fleet: Fleet
    devices: Sequence[DeviceView]
    names_cpus: bool = False
    _dealt: dict[str, list[Group]] = field(default_factory=dict)

    def deal(self, needs: Sequence[Need]) -> dict[str, str]:
        """Name to named devices, as a deployment has them: a group a replica. `InvalidDesire`: one does not fit."""
        self._dealt = {need.name: list(need.groups) for need in needs}
        for need in needs:
            for group in need.groups:
                self._take(need, replace(need.request, groups=(group,)))
        # The largest first: it has the least choice.
        for need in sorted(needs, key=lambda need: -need.request.bytes):
            for _ in range(need.replicas - len(need.groups)):
                self._dealt[need.name] += self._named(self._own_card(need))
        return {name: " ".join(map(written, dict.fromkeys(groups))) for name, groups in self._dealt.items()}

    def _own_card(self, need: Need) -> Placement:
        """A card that nobody uses, else one that has room."""
        free = self.fleet.look(replace(need.request, exclusive=True))
        if isinstance(free, Placement) and (group := self._named(free)):
            found = self.fleet.take(replace(need.request, groups=tuple(group)))
            if isinstance(found, Placement):
                return found
        return self._take(need, need.request)

    def _take(self, need: Need, request: Request) -> Placement:
        outcome = self.fleet.take(request)
        if isinstance(outcome, Unplaceable):
            raise InvalidDesire(f"{need.name} does not fit now, so nothing was launched. {outcome.sentence}")
        return outcome

    def _named(self, placement: Placement) -> list[Group]:
        taken_ids = [device_id for device_id, _ in placement.claims]
        known = {device.id: device for device in self.devices}
        taken = [known[device_id] for device_id in taken_ids]
        return [group_of(taken)] if self.names_cpus or taken[0].kind == "cuda" else []


def group_of(devices: Iterable[DeviceView]) -> Group:
    return tuple((device.node, device.index) for device in devices)


def written(group: Group) -> str:
    """`node-a:2,3`."""
    return f"{group[0][0]}:{','.join(str(index) for _, index in group)}"
