"""`modelyard logs`: what a worker wrote."""

from __future__ import annotations

import time
from typing import Any

from django.core.management.base import CommandError, CommandParser

from registry import logs
from registry.management.command import YardCommand
from registry.measures import format_bytes
from registry.models import Deployment, Worker
from registry.states import ACTIVE


class Command(YardCommand):
    """From the file when it is on this machine, else from the worker, else the last lines that the row keeps."""

    help = "Show the log of a worker, by its deployment or its launch id, on whatever machine it runs."
    examples = ("smollm2", "smollm2 -f", "smollm2 --previous -n 50", "1f0c9a2e")
    _line_is_open = False

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", metavar="NAME|LAUNCH_ID", help="A deployment, or a launch id or its beginning.")
        parser.add_argument(
            "-f",
            "--follow",
            action="store_true",
            help="Go on, with the replica's next launch when this one ends; of a launch id: until it ends.",
        )
        parser.add_argument(
            "-n", type=int, default=100, dest="count", metavar="N", help="So many lines (default: 100)."
        )
        parser.add_argument("--previous", action="store_true", help="The launch before this one.")
        parser.add_argument("--replica", type=int, metavar="N", help="Which replica of the deployment (default: any).")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["count"] < 1:
            raise CommandError("-n needs a number above 0.")
        if options["previous"] and options["follow"]:
            raise CommandError("-f and --previous do not go together: the previous launch writes no more.")
        worker = find_launch(options["name"], replica=options["replica"])
        if options["previous"]:
            worker = _before(worker)
        found = logs.last_lines(worker, options["count"])
        if found.note and not options["follow"]:
            raise CommandError(found.note)
        self._write(found.text)
        if not options["follow"]:
            self._end_line()
        else:
            self._follow(worker, found.end, one_launch=options["name"] != worker.deployment.name)

    def _follow(self, worker: Worker, start: int, *, one_launch: bool) -> None:
        following: Worker | None = worker
        while following is not None:
            for found in logs.follow(following, start=start):
                self._tell(found)
            following = None if one_launch else self._next(following)
            start = 0

    def _tell(self, found: logs.News) -> None:
        if found.missing:
            self._remark(f"{format_bytes(found.missing)} are left out: they were on the worker's machine only.")
        self._write(found.text)
        if found.note:
            self._remark(found.note)

    def _next(self, ended: Worker) -> Worker | None:
        """Wait for the next launch of the same replica; None when its deployment is deleted."""
        self._remark(f"{ended} ended{_why(ended)}. Its next launch follows here, Ctrl-C ends this.")
        while (begun := logs.next_launch(ended)) is None:
            if not Deployment.objects.filter(pk=ended.deployment_id).exists():
                self._remark(f"{ended.deployment.name} was deleted.")
                return None
            time.sleep(logs.POLL_S)
        self._remark(f"{begun} begins.")
        return begun

    def _write(self, text: str) -> None:
        if text:
            self.stdout.write(text, ending="")
            self._line_is_open = not text.endswith("\n")
        self.stdout.flush()

    def _end_line(self) -> None:
        if self._line_is_open:
            self._write("\n")

    def _remark(self, words: str) -> None:
        """What is not of the log goes to the terminal beside it, and not into a file that the log is sent to."""
        self._end_line()
        self.stderr.write(f"==> {words}")


def _why(ended: Worker) -> str:
    state, reason = Worker.objects.filter(pk=ended.pk).values_list("state", "reason").first() or ("", "")
    return f": {state} ({reason})" if reason else f": {state}" if state else ""


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
    before = logs.previous_launch(worker)
    if before is None:
        raise CommandError(f"{worker} is the first launch of this replica: there is no previous one.")
    return before
