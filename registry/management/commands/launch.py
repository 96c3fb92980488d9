"""`modelyard launch`: several models in one command, each on cards of its own."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from inference.protocol.engines import ENGINES, engine_entry
from registry import modelpaths, waiting
from registry.management.command import YardCommand
from registry.management.launching import orders
from registry.management.launching.progress import Progress, Statuses
from registry.management.livetable import LiveTable
from registry.management.operator import TIMEOUT_S, actor, parse_option
from registry.measures import parse_bytes
from registry.models import Deployment

COLUMNS = ("name", "answers_to", "devices", "doing")


class Command(YardCommand):
    """All or nothing: when one of them cannot be, none is deployed. What runs already goes on where it is."""

    help = "Deploy several models, each on cards of its own, and show how they come up."
    examples = (
        "/models/qwen /models/baichuan",
        "/models/qwen@gpt-4,gpt-4o@0 /models/baichuan@1,2",
        "/models/qwen@2 /models/qwen@3 --option dtype=bfloat16",
        "/models/qwen@node-a:0 /models/bge@text-embedding-ada-002",
    )
    lists = True

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "models",
            nargs="+",
            metavar="PATH[@ALIAS,…][@GPUS]",
            help="A folder or .gguf file with weights; other names to answer to; the GPUs' numbers, which a replica is "
            "spread over. The same path again is another replica.",
        )
        parser.add_argument(
            "--node", default="", metavar="NODE", help="Whose GPUs the numbers mean (default: this machine)."
        )
        parser.add_argument("--replicas", type=int, default=1, metavar="N", help="So many workers for each path.")
        parser.add_argument("--engine", choices=list(ENGINES), help="What loads the weights (default: transformers).")
        parser.add_argument(
            *("--option", "-o"), action="append", metavar="KEY=JSON", help="An engine option, for all of them."
        )
        parser.add_argument("--memory", metavar="SIZE", help="What each replica claims (default: estimated).")
        parser.add_argument(
            "--trust-remote-code", action="store_true", help="Run Python code that lies beside the weights."
        )
        parser.add_argument("--no-wait", action="store_false", dest="wait", help="Return when all are deployed.")
        parser.add_argument(
            "--timeout", type=float, default=TIMEOUT_S, metavar="S", help="Seconds to wait (default: %(default)g)."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        since = waiting.last_event()
        deployments = orders.launch(options["models"], _order(options), node=options["node"], actor=actor())
        self._note_missing_paths(deployments)
        progress = Progress(deployments, since, options["timeout"] if options["wait"] else 0)
        if options["as_json"]:
            statuses = list(progress.watch())[-1]
            self.print_json(progress.rows(statuses))
        else:
            statuses = self._show(progress)
        if options["wait"]:
            progress.check(statuses)

    def _show(self, progress: Progress) -> Statuses:
        live = LiveTable(self.stdout, COLUMNS)
        for statuses in progress.watch():
            for failure in progress.failures():
                live.keep(failure)
            live.show(progress.rows(statuses))
        return statuses

    def _note_missing_paths(self, deployments: list[Deployment]) -> None:
        for deployment in deployments:
            note = modelpaths.note_of(deployment.model.path)
            if note and engine_entry(deployment.engine).loads_weights:
                self.stderr.write(note)


def _order(options: dict[str, Any]) -> orders.Order:
    return orders.Order(
        engine=options["engine"],
        options=dict(map(parse_option, options["option"])) if options["option"] else None,
        memory_bytes=parse_bytes(options["memory"]) if options["memory"] else None,
        replicas=options["replicas"],
        trust_remote_code=options["trust_remote_code"],
    )
