"""What the commands about nodes share."""

from __future__ import annotations

from django.core.management.base import CommandParser

from registry.management.command import YardCommand
from registry.management.rows import LIVES
from registry.models import Node


class NodeCommand(YardCommand):
    """A command about one node."""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("node", metavar="NODE", help="The node's name, as `modelyard nodes` lists it.")


def living_workers(node: Node) -> int:
    """Launches of this node that run, are on their way, or whose process was not seen to end."""
    return node.workers.filter(LIVES).count()


def workers(count: int) -> str:
    """`1 worker`, `3 workers`."""
    return f"{count} worker{'' if count == 1 else 's'}"
