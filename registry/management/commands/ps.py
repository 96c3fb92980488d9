"""`modelyard ps`: the workers."""

from __future__ import annotations

import textwrap
from datetime import timedelta
from typing import Any

from django.core.management.base import CommandParser
from django.db.models import F
from django.db.models.functions import Now

from registry import overview
from registry.management.command import YardCommand
from registry.models import Deployment, Worker
from registry.states import ACTIVE, WorkerState
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
        self.print_rows(shown, columns=COLUMNS, as_json=False, nothing=nothing)
        for line in given_up():
            self.stdout.write(line)


def worker_rows(*, over_too: bool) -> list[dict[str, Any]]:
    """Plain facts, newest launch first."""
    workers = Worker.objects.all() if over_too else Worker.objects.filter(state__in=ACTIVE)
    related = workers.select_related("deployment__model", "node", "revision").prefetch_related("claims__device__node")
    return [_row(worker) for worker in related.annotate(silence=Now() - F("heartbeat_at")).defer("log_tail")]


def given_up() -> list[str]:
    """A sentence for each deployment of which no launch runs or is tried any more."""
    deployments = list(Deployment.objects.all())
    found = overview.statuses(deployments)
    return [
        f"{deployment}: {found[deployment.pk].words} (`modelyard logs {deployment}`)"
        for deployment in deployments
        if found[deployment.pk].phase is Phase.FAILED
    ]


def _row(worker: Worker) -> dict[str, Any]:
    silence: timedelta | None = worker.silence  # type: ignore[attr-defined]  # annotated
    claims = list(worker.claims.all())
    return {
        "id": worker.pk,
        "launch_id": str(worker.launch_id),
        "deployment": worker.deployment.name,
        "model": worker.deployment.model.name,
        "replica": worker.replica,
        "revision": worker.revision.number,
        "node": worker.node.name if worker.node else None,
        "devices": [str(claim.device) for claim in claims],
        "claimed_bytes": sum(claim.bytes for claim in claims),
        "state": worker.state,
        "progress": worker.progress,
        "pid": worker.pid,
        "address": worker.address,
        "restarts": worker.attempt,
        "reason": worker.reason,
        "heartbeat_age_s": round(silence.total_seconds(), 1) if silence is not None else None,
    }


def _shortened(row: dict[str, Any]) -> dict[str, str]:
    """What a screen has room for; `--json` has all of it."""
    loading = row["state"] == WorkerState.LOADING
    return {
        "launch": row["launch_id"][:8],
        "doing": f"{row['state']} {row['progress']} %" if loading else row["state"],
        "reason": textwrap.shorten(row["reason"], REASON, placeholder=" …"),
    }
