"""What must hold of an installation's rows and processes: at every moment, and once a fault is over."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import psutil
import psycopg
from psycopg.rows import dict_row, tuple_row

from registry.agent.identity import ProcessIdentity
from registry.states import ACTIVE, TERMINAL, WorkerState, check_transition

Rows = list[dict[str, Any]]

WORKERS = """
    SELECT w.*, d.name AS deployment, n.name AS node, r.number AS revision,
           EXISTS (SELECT 1 FROM registry_claim c WHERE c.worker_id = w.id) AS claims
    FROM registry_worker w JOIN registry_deployment d ON d.id = w.deployment_id
    JOIN registry_revision r ON r.id = w.revision_id
    LEFT JOIN registry_node n ON n.id = w.node_id ORDER BY w.id
"""
OVERBOOKED = """
    SELECT n.name || ':' || d.index || ' has ' || sum(c.bytes) || ' of ' || d.memory_total_bytes || ' bytes claimed'
    FROM registry_claim c JOIN registry_device d ON d.id = c.device_id JOIN registry_node n ON n.id = d.node_id
    GROUP BY d.id, n.name HAVING sum(c.bytes) > d.memory_total_bytes
"""
WANTED_TWICE = """
    SELECT d.name || '/' || w.replica || ' is wanted ' || count(*) || ' times'
    FROM registry_worker w JOIN registry_deployment d ON d.id = w.deployment_id
    WHERE w."order" = 'run' AND w.replaces_id IS NULL AND w.state = ANY(%s)
    GROUP BY d.name, w.replica HAVING count(*) > 1
"""
SHORT = """
    SELECT d.name || ' has ' || count(w.id) || ' of ' || d.replicas || ' replicas'
    FROM registry_deployment d LEFT JOIN registry_worker w
      ON w.deployment_id = d.id AND w.state = 'READY' AND w."order" = 'run' AND w.exited_at IS NULL
    WHERE NOT d.paused GROUP BY d.id HAVING count(w.id) <> d.replicas
"""
OBSOLETE = """
    SELECT d.name || '/' || w.replica || ' runs what is wanted no more'
    FROM registry_worker w JOIN registry_deployment d ON d.id = w.deployment_id
    JOIN registry_revision r ON r.id = w.revision_id LEFT JOIN registry_node n ON n.id = w.node_id
    WHERE w.state = ANY(%s) AND (n.drain_deadline IS NOT NULL OR w.created_at < d.renewed_at OR r.launch_key <> (
        SELECT launch_key FROM registry_revision WHERE deployment_id = d.id ORDER BY number DESC LIMIT 1))
"""
EVENTS = """
    SELECT e.worker_id, e.from_state, e.to_state, e.reason, w.state, w.launch_id
    FROM registry_event e JOIN registry_worker w ON w.id = e.worker_id WHERE e.to_state <> '' ORDER BY e.worker_id, e.id
"""


@dataclass(frozen=True, slots=True)
class Sight:
    """The rows of all workers, and the worker processes by their launch ids, seen at about the same time."""

    workers: Rows
    processes: dict[str, list[ProcessIdentity]]
    strangers: list[int]  # pids of worker processes of this installation that no row knows

    @classmethod
    def of(cls, connection: psycopg.Connection[Any], data_dir: Path) -> Sight:
        processes = worker_processes()
        workers = rows(connection, WORKERS)
        known = {str(worker["launch_id"]) for worker in workers}
        unknown = [identity.pid for launch, found in processes.items() if launch not in known for identity in found]
        ours = {launch: found for launch, found in processes.items() if launch in known}
        return cls(workers, ours, [pid for pid in unknown if _of_installation(pid, data_dir)])


def rows(connection: psycopg.Connection[Any], query: str, *parameters: object) -> Rows:
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(query, parameters or None).fetchall()


def lines(connection: psycopg.Connection[Any], query: str, *parameters: object) -> list[str]:
    with connection.cursor(row_factory=tuple_row) as cursor:
        return [line for (line,) in cursor.execute(query, parameters or None)]


def worker_processes() -> dict[str, list[ProcessIdentity]]:
    """Every living worker process of this machine by its launch id, whoever it belongs to."""
    found: dict[str, list[ProcessIdentity]] = {}
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            arguments = process.cmdline()
            if "inference" in arguments and "--launch-id" in arguments and (one := ProcessIdentity.of(process.pid)):
                found.setdefault(arguments[arguments.index("--launch-id") + 1], []).append(one)
    return found


def _of_installation(pid: int, data_dir: Path) -> bool:
    with suppress(psutil.Error):
        return any(str(data_dir) in value for value in psutil.Process(pid).environ().values())
    return False


def never(connection: psycopg.Connection[Any], sight: Sight) -> list[str]:
    """What is wrong that may not be wrong for a moment, whatever has just been killed."""
    doubled = [f"{launch} has {len(found)} processes" for launch, found in sight.processes.items() if len(found) > 1]
    twice = lines(connection, WANTED_TWICE, sorted(ACTIVE))
    return [*doubled, *lines(connection, OVERBOOKED), *twice]


def unsettled(connection: psycopg.Connection[Any], sight: Sight) -> list[str]:
    """What is not yet, or not any more, as it should be; empty once a fault is over."""
    broken = (complaint for worker in sight.workers for complaint in _complaints(worker, sight))
    obsolete = lines(connection, OBSOLETE, sorted(ACTIVE))
    strangers = [f"process {pid} runs for a launch that no row knows" for pid in sight.strangers]
    return [*never(connection, sight), *strangers, *lines(connection, SHORT), *obsolete, *broken]


def _complaints(worker: dict[str, Any], sight: Sight) -> Iterator[str]:
    name = f"{worker['deployment']}/{worker['replica']} {str(worker['launch_id'])[:8]} ({worker['state']})"
    alive = sight.processes.get(str(worker["launch_id"]), [])
    if worker["state"] in TERMINAL:
        if alive and worker["state"] != WorkerState.LOST:
            yield f"{name} has ended and its process {alive[0].pid} lives"
        if worker["claims"] and (worker["exited_at"] is not None or worker["launching_at"] is None):
            yield f"{name} has no process and holds claims"
        return
    if worker["state"] != WorkerState.PENDING and not worker["claims"]:
        yield f"{name} holds no claims"
    if worker["state"] == WorkerState.READY and not any(_same(worker, identity) for identity in alive):
        yield f"{name} has no process {worker['pid']}"
    if worker["order"] != "run":
        yield f"{name} is still to {worker['order']}"


def _same(worker: dict[str, Any], identity: ProcessIdentity) -> bool:
    row = (worker["pid"], worker["process_started"], worker["boot_id"])
    return row == (identity.pid, identity.started, identity.boot_id)


def untold(connection: psycopg.Connection[Any]) -> list[str]:
    """Workers whose events do not tell their life, from PENDING to what they are now, and ends without a reason."""
    with connection.transaction():  # one snapshot: rows change while this looks
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        told, workers = rows(connection, EVENTS), rows(connection, WORKERS)
    by_worker = {worker: list(events) for worker, events in groupby(told, key=lambda event: event["worker_id"])}
    return [complaint for worker in workers for complaint in _story(worker, by_worker)]


def _story(worker: dict[str, Any], by_worker: dict[int, Rows]) -> Iterator[str]:
    events = by_worker.get(worker["id"], [])
    name = f"{worker['deployment']}/{worker['replica']} {str(worker['launch_id'])[:8]}"
    if (replayed := replay(events)) != worker["state"]:
        yield f"{name} is {worker['state']} and its events say {replayed}"
    if worker["state"] in {WorkerState.FAILED, WorkerState.LOST}:
        if not worker["reason"]:
            yield f"{name} is {worker['state']} without a reason"
        if not events or not events[-1]["reason"]:
            yield f"{name} is {worker['state']} and the timeline does not say why"


def replay(events: Iterable[dict[str, Any]]) -> str:
    """The state that a worker's events lead to; a sentence when they contradict each other."""
    state = ""
    for event in events:
        before, after = event["from_state"], event["to_state"]
        if before != state:
            return f"a jump from {state or 'nothing'} to {before or 'nothing'} before {after}"
        if before:
            check_transition(WorkerState(before), WorkerState(after))
        elif after != WorkerState.PENDING:
            return f"a birth as {after}"
        state = after
    return state
