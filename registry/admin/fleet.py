"""The machines in one card: up to fifty nodes as a map, two hundred by their sums and the sick ones first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Count, F, Sum
from django.db.models.functions import Now
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext, gettext_noop

from registry.admin import marks
from registry.admin.gpumap import gpu_map
from registry.admin.node import nodes_to_show
from registry.admin.nodeparts import state_of, status_of
from registry.models import Claim, Device, Node
from registry.status import Phase

MAP_NODES = 50  # each is shown with its devices, up to here
SICK = 8  # lines; the lists have the rest
WORST_FIRST = (Phase.FAILED, Phase.WAITING, Phase.PROGRESS, Phase.READY, Phase.STOPPED)
# How the words of a node's state begin, and the value of the list's filter that finds these nodes.
STANDINGS = {
    gettext_noop("silent"): "silent",
    gettext_noop("never seen"): "silent",
    gettext_noop("draining"): "draining",
    gettext_noop("drained"): "draining",
    gettext_noop("cordoned"): "cordoned",
    gettext_noop("online"): "online",
    gettext_noop("left"): "left",
}


@dataclass(frozen=True, slots=True)
class Standing:
    """How many nodes are in one state, and where they are listed."""

    words: str
    colour: str
    number: int
    url: str


def fleet_section() -> dict[str, object]:
    """For the overview, in a number of queries that does not grow."""
    if Node.objects.count() <= MAP_NODES:
        return gpu_map(list(nodes_to_show(Node.objects.all())))
    nodes = list(Node.objects.annotate(now=Now()))
    return {
        "nodes": nodes,
        "standings": _standings(nodes),
        "simulated": sum(node.simulated for node in nodes),
        "sick": _sick(nodes),
        "quarantined": list(Device.objects.exclude(quarantine="").select_related("node")[:SICK]),
        "products": _products(),
    }


def _standings(nodes: Sequence[Node]) -> list[Standing]:
    numbers: Counter[tuple[str, str]] = Counter()
    for node in nodes:
        phase, words = status_of(node)
        name = next(standing for standing in STANDINGS if words.startswith(standing))
        numbers[name, phase.value] += 1
    lists = reverse("admin:registry_node_changelist")
    return [
        Standing(gettext(name), colour, number, f"{lists}?state={STANDINGS[name]}")
        for (name, colour), number in sorted(numbers.items(), key=lambda item: list(STANDINGS).index(item[0][0]))
    ]


def _sick(nodes: Sequence[Node]) -> list[tuple[Node, SafeString]]:
    """Those that should take workers and cannot, the worst first."""
    ranked = sorted(nodes, key=lambda node: (WORST_FIRST.index(status_of(node)[0]), node.name))
    sick = [node for node in ranked if status_of(node)[0] in {Phase.FAILED, Phase.WAITING}]
    return [(node, state_of(node)) for node in sick[:SICK]]


def _products() -> list[tuple[str, int, SafeString, SafeString]]:
    """Name, number, mark and bar of each kind of device that can be seen."""
    kinds = Device.objects.filter(present=True, node__left_at=None).order_by("name").values("name", "simulated")
    sums = kinds.annotate(
        number=Count("pk"),
        total=Sum("memory_total_bytes"),
        used=Sum("memory_used_bytes"),
        foreign=Sum("foreign_bytes"),
    )
    held = Claim.objects.filter(device__present=True, device__node__left_at=None).order_by()
    by_kind = held.values(name=F("device__name"), simulated=F("device__simulated")).annotate(claimed=Sum("bytes"))
    claimed = {(row["name"], row["simulated"]): row["claimed"] for row in by_kind}
    lines = []
    for row in sums:
        figures = {figure: row[figure] for figure in ("total", "used", "foreign")}
        bar = marks.memory(**figures, claimed=claimed.get((row["name"], row["simulated"]), 0))
        mark = marks.simulated_tag() if row["simulated"] else SafeString()
        lines.append((marks.product(row["name"]), row["number"], mark, bar))
    return lines
