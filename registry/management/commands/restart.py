"""`modelyard restart`: new workers for old."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from registry import desired, waiting
from registry.management.operator import OrderCommand, actor


class Command(OrderCommand):
    """Also starts what is stopped, and forgives failures."""

    help = "Replace every worker of a deployment by a new one."
    examples = ("smollm2 --wait",)

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        self.add_wait_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        deployment = desired.find(options["name"])
        since = waiting.last_event()
        desired.restart(deployment, actor=actor())
        self.stdout.write(f"{deployment}: told to restart")
        if options["wait"]:
            self.settle(deployment, since=since, timeout_s=options["timeout"])
