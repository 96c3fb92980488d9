"""`modelyard cordon`: no new workers on a node."""

from __future__ import annotations

from typing import Any

from registry import desired
from registry.management.node_orders import NodeCommand, living_workers, workers
from registry.management.operator import actor


class Command(NodeCommand):
    """What runs there goes on; `drain` is what empties a node."""

    help = "Give a node no new workers; what runs there goes on."
    examples = ("gpu-1",)

    def handle(self, *args: Any, **options: Any) -> None:
        node = desired.find_node(options["node"])
        desired.cordon(node, cordoned=True, actor=actor())
        self.stdout.write(f"{node} is cordoned; what runs there goes on ({workers(living_workers(node))}).")
