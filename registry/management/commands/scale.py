"""`modelyard scale`: how many replicas run."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from registry import desired, waiting
from registry.management.operator import OrderCommand, actor


class Command(OrderCommand):
    """More replicas start; too many finish what they do and end."""

    help = "Change how many replicas of a deployment run."
    examples = ("smollm2 3 --wait",)

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("replicas", type=int, metavar="N", help="How many workers should run.")
        self.add_wait_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        deployment = desired.find(options["name"])
        if options["replicas"] < 1:
            raise CommandError(f"A deployment that runs has at least 1 replica: use `modelyard stop {deployment}`.")
        since = waiting.last_event()
        desired.scale(deployment, options["replicas"], actor=actor())
        self.stdout.write(f"{deployment}: {deployment.replicas} × {deployment.model} on {deployment.engine}")
        if options["wait"]:
            self.settle(deployment, since=since, timeout_s=options["timeout"])
