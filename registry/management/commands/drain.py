"""`modelyard drain`: empty a node."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

from django.core.management.base import CommandError, CommandParser

from registry import desired
from registry.clock import database_now
from registry.management.node_orders import NodeCommand, living_workers, workers
from registry.management.operator import LiveLine, actor
from registry.measures import format_age
from registry.models import Node

TIMEOUT_S = 300.0
POLL_S = 0.3
STOPPING = timedelta(seconds=60)  # after the deadline, for what is stopped then to be gone


class Command(NodeCommand):
    """The node stays cordoned afterwards: `uncordon` gives it workers again."""

    help = "Empty a node: its workers finish what they do, and what still runs after the time-out is stopped."
    examples = ("gpu-1", "gpu-1 --timeout 60 --wait")

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--timeout",
            type=float,
            default=TIMEOUT_S,
            metavar="S",
            help="Seconds for what runs to finish (default: %(default)g).",
        )
        parser.add_argument(
            "--wait",
            action="store_true",
            help="Wait until the node is empty; exit code 1 when the time-out came first.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        node = desired.find_node(options["node"])
        desired.drain(node, timeout_s=options["timeout"], actor=actor())
        self.stdout.write(f"{node}: told to drain; {workers(living_workers(node))} there")
        if options["wait"]:
            self._wait(node)

    def _wait(self, node: Node) -> None:
        line, late = LiveLine(self.stdout), 0
        while count := living_workers(node):
            left = _time_left(node)
            if left <= -STOPPING:
                line.clear()
                raise CommandError(f"{node} still has {workers(count)}, {format_age(-left)} after the time-out.")
            late = count if left <= timedelta() else late
            line.show(f"{node}: {workers(count)} there, {_clock(left)}")
            time.sleep(POLL_S)
        line.clear()
        if late:
            raise CommandError(f"{node} is empty, but {workers(late)} had to be stopped at the time-out.")
        self.stdout.write(f"{node} is empty.")


def _time_left(node: Node) -> timedelta:
    deadline = Node.objects.filter(pk=node.pk).values_list("drain_deadline", flat=True).first()
    if deadline is None:
        raise CommandError(f"{node} is not drained any more: somebody uncordoned or removed it.")
    return deadline - database_now()


def _clock(left: timedelta) -> str:
    return f"{format_age(left)} left" if left > timedelta() else "being stopped"
