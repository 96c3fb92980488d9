"""`modelyard ps`: the workers."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import Any

from django.core.management.base import CommandParser

from registry import overview
from registry.management.command import YardCommand
from registry.management.rows import failure_hints, worker_rows
from registry.models import Deployment
from registry.states import WorkerState
from registry.status import Phase

COLUMNS = ("deployment", "replica", "launch", "doing", "devices", "pid", "restarts", "heartbeat_age_s", "reason")
REASON = 80  # characters


class Command(YardCommand):
    """One line a launch, newest first; below, what was given up."""

    help = "List the workers: one line for each launch that runs or is on its way."
    examples = ("", "--all", "--json")
    lists = True

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--all", action="store_true", help="Also launches that are over.")

    def handle(self, *args: Any, **options: Any) -> None:
        rows = worker_rows(over_too=options["all"])
        nothing = "No workers. `modelyard deploy NAME --path DIR` starts one."
        if options["as_json"]:
            self.print_json(rows)
            return
        shown = [row | _shortened(row) for row in rows]
        columns = (*COLUMNS[:-1], "cause", COLUMNS[-1]) if options["all"] else COLUMNS
        self.print_rows(shown, columns=columns, as_json=False, nothing=nothing)
        for line in given_up():
            self.stdout.write(line)


def given_up() -> Iterator[str]:
    """For each deployment of which no launch runs or is tried any more: why, and what to do about it."""
    deployments = list(Deployment.objects.all())
    found = overview.statuses(deployments)
    failed = [deployment for deployment in deployments if found[deployment.pk].phase is Phase.FAILED]
    hints = failure_hints(failed)
    for deployment in failed:
        yield f"{deployment}: {found[deployment.pk].words} (`modelyard logs {deployment}`)"
        if hint := hints.get(deployment.pk):
            yield f"  hint: {hint}"


def _shortened(row: dict[str, Any]) -> dict[str, str]:
    """What a screen has room for; `--json` has all of it."""
    loading = row["state"] == WorkerState.LOADING
    return {
        "launch": row["launch_id"][:8],
        "doing": f"{row['state']} {row['progress']} %" if loading else row["state"],
        "reason": textwrap.shorten(row["reason"], REASON, placeholder=" …"),
    }
