"""`modelyard delete`: forget a deployment."""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import CommandError, CommandParser

from registry import desired
from registry.management.operator import OrderCommand, actor
from registry.models import Deployment


class Command(OrderCommand):
    """Its timeline stays; its revisions and the rows of its workers go. The model stays."""

    help = "Delete a deployment that is stopped."
    examples = ("smollm2", "smollm2 --yes")

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--yes", action="store_true", help="Do not ask.")

    def handle(self, *args: Any, **options: Any) -> None:
        deployment = desired.find(options["name"])
        if not options["yes"]:
            self._ask(deployment)
        desired.delete(deployment, actor=actor())
        self.stdout.write(f"{deployment} is deleted.")

    def _ask(self, deployment: Deployment) -> None:
        if not sys.stdin.isatty():
            raise CommandError(f"Deleting {deployment} cannot be taken back: say --yes.")
        if input(f"Delete {deployment} with its revisions? [y/N] ").strip().lower() not in {"y", "yes"}:
            raise CommandError("Nothing was deleted.")
