"""`modelyard deploy`: run a model."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from registry import desired, modelpaths, waiting
from registry.management.operator import OrderCommand, actor
from registry.management.placing import add_deployment_arguments, wish_of
from registry.models import Deployment
from registry.models.deployment import TIMEOUT_FIELDS


class Command(OrderCommand):
    """Creates or changes the deployment, and its model when a path is given. What is not named stays as it is."""

    help = "Run a model: create or change a deployment and let it run."
    examples = (
        "smollm2 --path ~/models/SmolLM2-135M-Instruct --wait",
        "qwen --path Qwen/Qwen2.5-0.5B-Instruct --option revision=main",
        "smollm2 --replicas 2 --option dtype=bfloat16 --memory 4GiB",
        "big --path ~/models/big --gpus 2 --label zone=a --strategy pack",
        "pair --path ~/models/pair --replicas 2 --devices 'node-a:0,1 node-a:2,3'",
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        add_deployment_arguments(parser)
        parser.add_argument(
            "--restart-budget",
            type=int,
            metavar="N",
            help="Failures within ten minutes after which a replica is given up (default: 5).",
        )
        _add_time_outs(parser)
        self.add_wait_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        since = waiting.last_event()
        deployment = desired.deploy(wish_of(options, name=options["name"]), actor=actor())
        self.stdout.write(f"{deployment}: {deployment.replicas} × {deployment.model} on {deployment.engine}")
        if options["path"] and (note := modelpaths.note_of(deployment.model.path)):
            # No error: the worker looks, and may be on another machine.
            self.stderr.write(note)
        if options["wait"]:
            self.settle(deployment, since=since, timeout_s=options["timeout"])


def _add_time_outs(parser: CommandParser) -> None:
    """One flag for each of the deployment's own; its field says what it means and what it is by default."""
    limits = parser.add_argument_group("how long things may take")
    for name in TIMEOUT_FIELDS:
        field: Any = Deployment._meta.get_field(name)
        meaning = f"{str(field.help_text).rstrip('.')} (default: {field.default})."
        limits.add_argument(
            f"--{name.removesuffix('_s').replace('_', '-')}", type=int, dest=name, metavar="S", help=meaning
        )
