"""Which devices a request gets: ranked by room, named, or on nodes that have the model's files."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial

from registry.placement.census import Census, Eligible, Filter
from registry.placement.ranking import Ranking
from registry.placement.room import Room
from registry.placement.views import Group, Placement, Request

Nodes = frozenset[int]  # numbers of nodes
Figure = Callable[[int], int | None]
LOOK_FOR_ANOTHER_NODE = 64  # entries: a few machines of eight cards


class Search:
    """Finds a place in the room that is there now, and changes nothing."""

    def __init__(self, census: Census, room: Room, files: Mapping[int, frozenset[str]]) -> None:
        self._census, self._room, self._files = census, room, files
        self._rankings: dict[tuple[Filter, bool, int, Nodes | None], Ranking] = {}
        self._homes: dict[str, Nodes] = {}

    def find(self, request: Request) -> Placement | None:
        """The place of one replica, or None."""
        positions = self._named(request) if request.groups else self._ranked(request)
        return self._placement(request, positions) if positions else None

    def figure(self, request: Request) -> Figure:
        """How a device's room counts for this request."""
        return self._room.whole_figure if request.exclusive else self._room.figure

    def ranking(self, request: Request, count: int, *, nodes: Nodes | None = None) -> Ranking:
        """Devices by their room, or, for several devices, nodes by the room on each of their `count` emptiest."""
        chosen = self._census.filter(request)
        key = (chosen, request.exclusive, count, nodes)
        if key not in self._rankings:
            self._rankings[key] = self._rank(self._census.eligible(chosen), key)
        return self._rankings[key]

    def members(self, request: Request, node: int) -> list[int]:
        """The devices of a node that the request may use."""
        return self._census.eligible(self._census.filter(request)).by_node[node]

    def _rank(self, eligible: Eligible, key: tuple[Filter, bool, int, Nodes | None]) -> Ranking:
        _, exclusive, count, nodes = key
        figure: Figure = self._room.whole_figure if exclusive else self._room.figure
        by_node = eligible.by_node
        if nodes is not None:
            by_node = {node: by_node[node] for node in nodes & by_node.keys()}
        if count > 1:
            room_on = partial(_room_on, by_node=by_node, figure=figure, count=count)
            return Ranking(by_node, room_on, self._room.changed_nodes)
        positions = eligible.positions if nodes is None else [each for members in by_node.values() for each in members]
        return Ranking(positions, figure, self._room.changed)

    def _ranked(self, request: Request) -> list[int]:
        count = self._census.eligible(self._census.filter(request)).count(request)
        share = request.share(count)
        if request.max_per_gpu is not None and share > request.max_per_gpu:
            return []
        homes = self._nodes_with(request.path)
        for nodes in (homes, None) if homes else (None,):
            if positions := self._best(request, count, nodes=nodes):
                return positions
        return []

    def _best(self, request: Request, count: int, *, nodes: Nodes | None) -> list[int]:
        ranking, share = self.ranking(request, count, nodes=nodes), request.share(count)
        pack = request.strategy == "pack"
        entry = ranking.tightest(share) if pack else self._apart(request, ranking, count=count)
        if entry is None:
            return []
        return [entry] if count == 1 else self._on_node(request, entry, count=count)

    def _apart(self, request: Request, ranking: Ranking, *, count: int) -> int | None:
        """The emptiest, on another node than the deployment's other replicas if one of the emptiest few is."""
        share = request.share(count)
        best = ranking.best()
        if best is None or best[0] < share or not request.avoid:
            return best[1] if best and best[0] >= share else None
        avoided = {self._census.nodes[node_id] for node_id in request.avoid if node_id in self._census.nodes}
        for entry in ranking.top(LOOK_FOR_ANOTHER_NODE, least=share):
            if (entry if count > 1 else self._census.node_of[entry]) not in avoided:
                return entry
        return best[1]

    def _on_node(self, request: Request, node: int, *, count: int) -> list[int]:
        """Its emptiest devices, or its fullest that still fit; in the order of their indices."""
        figure, share = self.figure(request), request.share(count)
        fitting = [
            (free, position) for position in self.members(request, node) if (free := figure(position) or 0) >= share
        ]
        sign = 1 if request.strategy == "pack" else -1
        fitting.sort(key=lambda pair: (sign * pair[0], pair[1]))
        chosen = [position for _, position in fitting[:count]]
        return sorted(chosen, key=lambda position: self._census.devices[position].index)

    def _named(self, request: Request) -> list[int]:
        for group in request.groups:
            wanted = request.gpus or len(group)
            fitting = [position for position in self.known(group) if self._takes(request, position, count=wanted)]
            if len(fitting) >= wanted:
                return fitting[:wanted]
        return []

    def known(self, group: Group) -> list[int]:
        """The positions of the named devices that there are."""
        return [self._census.named[name] for name in group if name in self._census.named]

    def _takes(self, request: Request, position: int, *, count: int) -> bool:
        share, free = request.share(count), self.figure(request)(position)
        fits = free is not None and share <= min(free, request.max_per_gpu or free)
        return fits and not self._census.named_filter(request).bars(self._census.devices[position])

    def _nodes_with(self, path: str) -> Nodes:
        """The nodes that have the model's files; nothing when all of them do, since then none is better."""
        if path not in self._homes:
            nodes = self._census.nodes
            homes = frozenset(
                nodes[node_id] for node_id, paths in self._files.items() if path in paths and node_id in nodes
            )
            self._homes[path] = homes if len(homes) < len(nodes) else frozenset()
        return self._homes[path]

    def _placement(self, request: Request, positions: list[int]) -> Placement:
        devices = [self._census.devices[position] for position in positions]
        share = request.share(len(devices))
        free = self._room.free
        return Placement(
            node_id=devices[0].node_id,
            claims=tuple(
                (device.id, free[position] if request.exclusive else share)
                for device, position in zip(devices, positions, strict=True)
            ),
            label=f"{devices[0].node}:{','.join(str(device.index) for device in devices)}",
        )


def _room_on(node: int, *, by_node: Mapping[int, Iterable[int]], figure: Figure, count: int) -> int | None:
    """Bytes on each of the node's `count` emptiest devices; None: it has fewer."""
    figures = sorted((free for position in by_node[node] if (free := figure(position)) is not None), reverse=True)
    return figures[count - 1] if len(figures) >= count else None
