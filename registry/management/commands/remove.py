"""`modelyard remove`: forget a node."""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import CommandError, CommandParser

from registry import desired
from registry.management.node_orders import NodeCommand, living_workers, workers
from registry.management.operator import actor
from registry.models import Node


class Command(NodeCommand):
    """Its timeline stays. A machine whose agent starts again joins again."""

    help = "Forget a node that is gone for good."
    examples = ("gpu-1", "gpu-1 --yes", "gpu-1 --force --yes")

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--yes", action="store_true", help="Do not ask.")
        parser.add_argument(
            "--force",
            action="store_true",
            help="Also while its agent beats or workers live: these are given up as lost and placed elsewhere; their "
            "processes end by themselves.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        node = desired.find_node(options["node"])
        if not options["yes"]:
            self._ask(node, forced=options["force"])
        desired.remove_node(node, actor=actor(), force=options["force"])
        self.stdout.write(f"{node} is removed.")

    def _ask(self, node: Node, *, forced: bool) -> None:
        if not sys.stdin.isatty():
            raise CommandError(f"Removing {node} cannot be taken back: say --yes.")
        count = living_workers(node)
        given_up = f" {workers(count)} there will be given up as lost." if forced and count else ""
        if input(f"Remove {node} and its devices?{given_up} [y/N] ").strip().lower() not in {"y", "yes"}:
            raise CommandError("Nothing was removed.")
