"""`modelyard stop`: let a deployment rest."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from registry import desired, waiting
from registry.management.operator import OrderCommand, actor
from registry.status import Phase


class Command(OrderCommand):
    """Nothing is lost: workers finish what they have, the settings stay, and `deploy NAME` lets it run again."""

    help = "Stop a deployment: its workers finish what they do and end."
    examples = ("smollm2", "smollm2 --wait")
    waits_for = Phase.STOPPED

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        self.add_wait_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        deployment = desired.find(options["name"])
        since = waiting.last_event()
        desired.stop(deployment, actor=actor())
        self.stdout.write(f"{deployment}: told to stop")
        if options["wait"]:
            self.settle(deployment, since=since, timeout_s=options["timeout"])
