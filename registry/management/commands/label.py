"""`modelyard label`: words by which deployments choose nodes."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from registry import desired
from registry.labels import parse_change
from registry.management.node_orders import NodeCommand
from registry.management.operator import actor


class Command(NodeCommand):
    """Without changes it says what labels there are."""

    help = "Set and delete labels of a node; deployments choose nodes by them."
    examples = ("gpu-1 zone=a owner=lab", "gpu-1 owner-", "gpu-1")

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("changes", nargs="*", metavar="KEY=VALUE|KEY-", help="Set a label, or delete it.")

    def handle(self, *args: Any, **options: Any) -> None:
        node = desired.find_node(options["node"])
        changes = dict(map(parse_change, options["changes"]))
        if len(changes) < len(options["changes"]):
            raise CommandError("The same label is named twice.")
        labels = desired.label(node, changes, actor=actor()) if changes else node.labels
        written = ", ".join(f"{key}={value}" for key, value in sorted(labels.items())) or "no labels"
        self.stdout.write(f"{node}: {written}")
