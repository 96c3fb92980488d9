"""`modelyard status`: which of our processes run, and what the database knows of nodes and workers."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from django.db.utils import DatabaseError, InterfaceError

from modelyard.embedded.run_state import RunState, rows
from modelyard.errors import ModelyardError
from registry.clock import database_now
from registry.management.command import YardCommand, sentence, table
from registry.models import Node, Worker
from registry.states import ACTIVE

PROCESS_COLUMNS = ("name", "state", "pid", "restarts", "uptime_s")
NODE_COLUMNS = ("name", "cordoned", "devices", "last_seen_s")
WORKER_COLUMNS = ("deployment", "replica", "state", "node", "pid", "heartbeat_age_s", "reason")


class Command(YardCommand):
    """Tells what it can see: the processes always, nodes and workers when the database answers."""

    help = "Show what runs: processes, nodes and workers."
    expected_errors = (*YardCommand.expected_errors, ModelyardError)
    lists = True

    def handle(self, *args: Any, **options: Any) -> None:
        state = RunState.read(settings.INSTALLATION)
        report: dict[str, Any] = {"processes": rows(state, external_database=bool(settings.ENV.database_url))}
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
        return {"nodes": _nodes(), "workers": _workers()}
    except (DatabaseError, InterfaceError) as error:
        return {"nodes": [], "workers": [], "database": sentence(error)}


def _text(report: dict[str, Any], *, url: str) -> str:
    parts = [
        f"Modelyard runs at {url}" if url else "Modelyard does not run.",
        table(report["processes"], PROCESS_COLUMNS),
    ]
    if "database" in report:
        return "\n\n".join([*parts, report["database"]])
    for rows_, columns, nothing in (
        (report["nodes"], NODE_COLUMNS, "No nodes yet."),
        (report["workers"], WORKER_COLUMNS, "No workers."),
    ):
        parts.append(table(rows_, columns) if rows_ else nothing)
    return "\n\n".join(parts)


def _nodes() -> list[dict[str, Any]]:
    now = database_now()
    return [
        {
            "name": node.name,
            "cordoned": node.cordoned,
            "devices": [f"{device.kind}:{device.index}" for device in node.devices.all()],
            "last_seen_s": round((now - node.last_seen_at).total_seconds(), 1) if node.last_seen_at else None,
        }
        for node in Node.objects.prefetch_related("devices")
    ]


def _workers() -> list[dict[str, Any]]:
    now = database_now()
    active: QuerySet[Worker] = Worker.objects.filter(state__in=ACTIVE).select_related("deployment", "node")
    return [
        {
            "launch_id": str(worker.launch_id),
            "deployment": worker.deployment.name,
            "replica": worker.replica,
            "state": worker.state,
            "node": worker.node.name if worker.node else None,
            "pid": worker.pid,
            "heartbeat_age_s": round((now - worker.heartbeat_at).total_seconds(), 1) if worker.heartbeat_at else None,
            "reason": worker.reason,
        }
        for worker in active
    ]
