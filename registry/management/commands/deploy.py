"""`modelyard deploy`: run a model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from registry import desired, waiting
from registry.desired import Wish
from registry.management.operator import OrderCommand, actor, parse_option
from registry.measures import parse_bytes
from registry.models import Engine


class Command(OrderCommand):
    """Creates or changes the deployment, and its model when a path is given. What is not named stays as it is."""

    help = "Run a model: create or change a deployment and let it run."
    examples = (
        "smollm2 --path ~/models/SmolLM2-135M-Instruct --wait",
        "smollm2 --replicas 2 --option dtype=bfloat16 --memory 4GiB",
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--path", metavar="DIR", help="The folder or .gguf file with the weights, as the node sees it."
        )
        parser.add_argument("--replicas", type=int, metavar="N", help="How many workers (default: 1).")
        parser.add_argument("--engine", choices=Engine.values, help="What loads the weights (default: transformers).")
        parser.add_argument(
            *("--option", "-o"),
            action="append",
            metavar="KEY=JSON",
            help="An engine option; give it several times for several. Replaces all options.",
        )
        parser.add_argument(
            "--memory", metavar="SIZE", help="What each replica claims, such as 4GiB (default: estimated)."
        )
        parser.add_argument(
            "--restart-budget",
            type=int,
            metavar="N",
            help="Failures within ten minutes after which a replica is given up (default: 5).",
        )
        self.add_wait_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        since = waiting.last_event()
        deployment = desired.deploy(self._wish(options), actor=actor())
        self.stdout.write(f"{deployment}: {deployment.replicas} × {deployment.model} on {deployment.engine}")
        if options["path"]:
            self._note_a_missing_path(deployment.model.path)
        if options["wait"]:
            self.settle(deployment, since=since, timeout_s=options["timeout"])

    def _wish(self, options: dict[str, Any]) -> Wish:
        written = options["option"]
        return Wish(
            name=options["name"],
            path=str(Path(options["path"]).expanduser().absolute()) if options["path"] else options["path"],
            replicas=options["replicas"],
            engine=options["engine"],
            options=dict(map(parse_option, written)) if written else None,
            restart_budget=options["restart_budget"],
            memory_bytes=parse_bytes(options["memory"]) if options["memory"] else None,
        )

    def _note_a_missing_path(self, path: str) -> None:
        if path and not Path(path).exists():
            # No error: the worker looks, and may be on another machine.
            self.stderr.write(f"Note: {path} does not exist on this machine; the node that runs it must have it.")
