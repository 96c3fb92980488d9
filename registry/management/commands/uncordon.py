"""`modelyard uncordon`: new workers on a node again."""

from __future__ import annotations

from typing import Any

from registry import desired
from registry.management.node_orders import NodeCommand
from registry.management.operator import actor


class Command(NodeCommand):
    """Also ends a drain."""

    help = "Give a node workers again; this also ends a drain."
    examples = ("gpu-1",)

    def handle(self, *args: Any, **options: Any) -> None:
        node = desired.find_node(options["node"])
        desired.cordon(node, cordoned=False, actor=actor())
        self.stdout.write(f"{node} takes workers again.")
