"""`modelyard status`: which of our processes run, and what the database knows of nodes and workers."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db.utils import DatabaseError, InterfaceError

from modelyard.embedded import holds
from modelyard.embedded.run_state import RunState, rows
from modelyard.errors import ModelyardError
from registry import worker_login
from registry.management.command import YardCommand, sentence, table
from registry.management.rows import node_rows, worker_rows

PROCESS_COLUMNS = ("name", "state", "pid", "restarts", "uptime_s")
NODE_COLUMNS = ("name", "state", "hardware", "workers", "last_seen_s")
WORKER_COLUMNS = ("deployment", "replica", "state", "node", "pid", "heartbeat_age_s", "reason")


class Command(YardCommand):
    """Tells what it can see: the processes always, nodes and workers when the database answers."""

    help = "Show what runs: processes, nodes and workers."
    expected_errors = (*YardCommand.expected_errors, ModelyardError)
    lists = True

    def handle(self, *args: Any, **options: Any) -> None:
        state = RunState.read(settings.INSTALLATION)
        report: dict[str, Any] = {"processes": rows(state, external_database=bool(settings.ENV.database_url))}
        report["held"] = sorted(holds.read(settings.INSTALLATION)) if state and state.alive else []
        report |= _from_database(asked=report["processes"][0]["state"] in {"running", "external"})
        if options["as_json"]:
            self.print_json(report)
        else:
            self.stdout.write(_text(report, url=state.url if state and state.alive else ""))


def _from_database(*, asked: bool) -> dict[str, Any]:
    """Not asked when it is known to be down."""
    if not asked:
        return {
            "nodes": [],
            "workers": [],
            "database": "The database is down, so nothing is known of nodes and workers.",
        }
    try:
        return {"nodes": node_rows(), "workers": worker_rows(), "complaint": worker_login.complaint()}
    except (DatabaseError, InterfaceError) as error:
        return {"nodes": [], "workers": [], "database": sentence(error)}


def _text(report: dict[str, Any], *, url: str) -> str:
    parts = [
        f"Modelyard runs at {url}" if url else "Modelyard does not run.",
        table(report["processes"], PROCESS_COLUMNS),
        *(f"An operator stopped {name}: `modelyard up` starts it again." for name in report["held"]),
    ]
    if "database" in report:
        return "\n\n".join([*parts, report["database"]])
    for rows_, columns, nothing in (
        (report["nodes"], NODE_COLUMNS, "No nodes yet."),
        (report["workers"], WORKER_COLUMNS, "No workers."),
    ):
        parts.append(table(rows_, columns) if rows_ else nothing)
    return "\n\n".join([*parts, *filter(None, [report["complaint"]])])
