"""Stopping everything of one installation: what gives orders first, Postgres last, and nothing left behind."""

from __future__ import annotations

import psutil
from django.db import connections
from django.db.utils import DatabaseError, InterfaceError

from modelyard.embedded import postgres
from modelyard.embedded.supervisor import Supervisor
from modelyard.installation import Installation
from registry.agent.leftovers import stop_leftovers
from registry.agent.shutdown import stop_all_workers

WORKERS_S = 5.0  # for model workers to finish what they stream


def stop_everything(supervisor: Supervisor, installation: Installation) -> None:
    """In order, within 15 s; a `KeyboardInterrupt` on the way ends the rest at once."""
    try:
        supervisor.stop("control", "agent")  # or they would start anew what we stop
        _stop_workers(installation)
        supervisor.stop("web")
        connections.close_all()
        supervisor.stop(postgres.NAME)
    except KeyboardInterrupt:
        supervisor.stop_all(at_once=True)
        stop_leftovers(installation.data_dir, timeout_s=0)
    _end_orphans()


def _stop_workers(installation: Installation) -> None:
    try:
        stop_all_workers(actor="modelyard up", timeout_s=WORKERS_S)
    except (DatabaseError, InterfaceError):
        stop_leftovers(installation.data_dir, timeout_s=WORKERS_S)


def _end_orphans() -> None:
    """What children of ours left and the kernel gave to us."""
    orphans = psutil.Process().children(recursive=True)
    for orphan in orphans:
        try:
            orphan.kill()
        except psutil.NoSuchProcess:
            continue
    psutil.wait_procs(orphans, timeout=2)
