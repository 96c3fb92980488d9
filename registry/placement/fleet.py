"""A fleet that replicas are placed on one after the other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from registry.placement.census import Census
from registry.placement.explain import Explainer
from registry.placement.refusals import Unplaceable
from registry.placement.room import Room
from registry.placement.search import Search
from registry.placement.views import Claims, DeviceView, Placement, Request

Files = Mapping[int, frozenset[str]]  # node id → paths of models that it has
NO_FILES: Files = MappingProxyType({})


class Fleet:
    """Devices with what is free of them. No effects outside; the same input gives the same answers."""

    def __init__(self, devices: Iterable[DeviceView], files: Files = NO_FILES) -> None:
        census = Census(devices)
        self._room = Room(census)
        self._search = Search(census, self._room, files)
        self._explainer = Explainer(census, self._room, self._search)
        self._refused: dict[Request, Unplaceable] = {}

    def take(self, request: Request) -> Placement | Unplaceable:
        """The place of one replica, reserved from now on; or why there is none."""
        outcome = self.look(request)
        if isinstance(outcome, Placement):
            self._room.reserve(outcome.claims)
        return outcome

    def look(self, request: Request) -> Placement | Unplaceable:
        """The place that one replica would get."""
        # Room only shrinks until something is given back: what was refused is refused again.
        if (refused := self._refused.get(request)) is not None:
            return refused
        found = self._search.find(request)
        if found is not None:
            return found
        refused = self._refused[request] = self._explainer.explain(request)
        return refused

    def look_without(self, request: Request, claims: Claims) -> Placement | Unplaceable:
        """The place that one replica would get if a holder of these claims were gone."""
        self._room.give_back(claims)
        found = self._search.find(request)
        outcome = found if found is not None else self._explainer.explain(request)
        self._room.reserve(claims)
        return outcome

    def give_back(self, claims: Claims) -> None:
        """Free what a replica held: one placed here, or one that the fleet began with."""
        self._room.give_back(claims)
        self._refused.clear()


def place(request: Request, devices: Iterable[DeviceView], files: Files = NO_FILES) -> Placement | Unplaceable:
    """The place of one replica in this fleet, or every refusal with its reason."""
    return Fleet(devices, files).look(request)
