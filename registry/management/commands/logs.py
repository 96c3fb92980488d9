"""`modelyard logs`: what a worker wrote."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from registry import logs
from registry.management.command import YardCommand
from registry.models import Deployment, Worker
from registry.states import ACTIVE


class Command(YardCommand):
    """From the worker's file when it is on this machine, else the last lines that its row keeps."""

    help = "Show the log of a worker, by its deployment or its launch id."
    examples = ("smollm2", "smollm2 -f", "smollm2 --previous -n 50", "1f0c9a2e")

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", metavar="NAME|LAUNCH_ID", help="A deployment, or a launch id or its beginning.")
        parser.add_argument("-f", "--follow", action="store_true", help="Go on until the worker ends.")
        parser.add_argument(
            "-n", type=int, default=100, dest="count", metavar="N", help="So many lines (default: 100)."
        )
        parser.add_argument("--previous", action="store_true", help="The launch before this one.")
        parser.add_argument("--replica", type=int, metavar="N", help="Which replica of the deployment (default: any).")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["count"] < 1:
            raise CommandError("-n needs a number above 0.")
        worker = find_launch(options["name"], replica=options["replica"])
        if options["previous"]:
            worker = _before(worker)
        end = logs.size(worker)
        self._write(logs.last_lines(worker, options["count"], end=end) or _sorry(worker))
        if options["follow"]:
            for text in logs.follow(worker, start=end):
                self._write(text)

    def _write(self, text: str) -> None:
        self.stdout.write(text, ending="" if text.endswith("\n") else "\n")
        self.stdout.flush()


def find_launch(name: str, *, replica: int | None) -> Worker:
    """A deployment's newest launch that runs, else its newest. Raises `CommandError`, which says what there is."""
    launches = Worker.objects.filter(deployment__name=name)
    if not launches.exists():
        return _by_launch_id(name)
    if replica is not None:
        launches = launches.filter(replica=replica)
    found = launches.filter(state__in=ACTIVE).first() or launches.first()
    if found is None:
        raise CommandError(f"{name} has no replica {replica}: `modelyard ps` lists those that it has.")
    return found


def _by_launch_id(beginning: str) -> Worker:
    found = list(Worker.objects.filter(launch_id__startswith=beginning)[:2]) if len(beginning) >= 4 else []
    if len(found) == 1:
        return found[0]
    if found:
        raise CommandError(f"Several launch ids begin with {beginning!r}: write more of it.")
    names = list(Deployment.objects.values_list("name", flat=True)[:20])
    if beginning in names:
        raise CommandError(
            f"{beginning} was never launched, so there is no log: `modelyard ps` says what it waits for."
        )
    known = ", ".join(names) or "none yet"
    raise CommandError(f"There is no deployment and no launch {beginning!r}. Deployments: {known}.")


def _before(worker: Worker) -> Worker:
    same_replica = Worker.objects.filter(deployment_id=worker.deployment_id, replica=worker.replica)
    before = same_replica.filter(pk__lt=worker.pk).first()
    if before is None:
        raise CommandError(f"{worker} is the first launch of this replica: there is no previous one.")
    return before


def _sorry(worker: Worker) -> str:
    if worker.launching_at is None:
        raise CommandError(f"{worker} was not started, so there is no log: {worker.reason or 'it is about to be'}.")
    where = f"on node {worker.node}" if worker.node else "elsewhere"
    raise CommandError(
        f"{worker} has no log here: it runs {where}, which keeps the file; the last lines come when it ends."
    )
