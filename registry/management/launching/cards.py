"""Which cards each launched model gets: its own, while there are enough."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from registry.errors import InvalidDesire
from registry.placement import Claims, DeviceView, Fleet, Group, Placement, Request, Unplaceable


@dataclass(frozen=True, slots=True)
class Need:
    """What each replica of a model needs. The first replicas go on the named `groups`, the others are dealt cards."""

    name: str
    request: Request
    replicas: int
    groups: tuple[Group, ...] = ()

    @property
    def uniform(self) -> bool:
        """Whether every replica has named cards, or none."""
        return len(self.groups) in {0, self.replicas}

    def as_planned(self) -> Iterator[Request]:
        """What the control plane will look for, replica by replica."""
        request = replace(self.request, groups=tuple(dict.fromkeys(self.groups)))
        return (request.for_replica(replica) for replica in range(self.replicas))


@dataclass(slots=True)
class Dealer:
    """Deals the cards of a fleet. CPUs are shared by all, and so are named only when `names_cpus`."""

    fleet: Fleet
    devices: Sequence[DeviceView]
    names_cpus: bool = False
    _dealt: dict[str, list[Group]] = field(default_factory=dict)

    def deal(self, needs: Sequence[Need]) -> dict[str, str]:
        """Name to named devices, as a deployment has them: a group a replica. `InvalidDesire`: one does not fit.

        Nothing is named where each falls on a card of its own anyway: it may then go elsewhere when its node is lost.
        """
        self._dealt = {need.name: list(need.groups) for need in needs}
        if not self.names_cpus and all(need.uniform for need in needs) and self._falls_well(needs):
            return {name: _written(groups) for name, groups in self._dealt.items()}
        for need in needs:
            for group in need.groups:
                self._take(need, replace(need.request, groups=(group,)))
        # The largest first: it has the least choice.
        for need in sorted(needs, key=lambda need: -need.request.bytes):
            for _ in range(need.replicas - len(need.groups)):
                self._dealt[need.name] += self._named(self._own_card(need))
        return {name: _written(groups) for name, groups in self._dealt.items()}

    def _falls_well(self, needs: Sequence[Need]) -> bool:
        """Whether the control plane, which takes them in this order, gives nobody a GPU that somebody has."""
        taken: list[Claims] = []
        well = True
        for request in (request for need in needs for request in need.as_planned()):
            found = self.fleet.look(request)
            well = well and isinstance(found, Placement) and self._is_own(found, request)
            if well and isinstance(found, Placement):
                self.fleet.take(request)
                taken.append(found.claims)
        for claims in taken:
            self.fleet.give_back(claims)
        return well

    def _is_own(self, found: Placement, request: Request) -> bool:
        alone = replace(request, groups=tuple(self._named(found)), exclusive=True)
        return not alone.groups or isinstance(self.fleet.look(alone), Placement)

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
        known = {device.id: device for device in self.devices}
        taken = [known[device_id] for device_id, _ in placement.claims]
        names = tuple((device.node, device.index) for device in taken)
        return [names] if self.names_cpus or taken[0].kind == "cuda" else []


def _written(groups: Iterable[Group]) -> str:
    """`node-a:2,3 node-a:0`."""
    each = dict.fromkeys(f"{group[0][0]}:{','.join(str(index) for _, index in group)}" for group in groups)
    return " ".join(each)
