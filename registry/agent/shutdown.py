"""Stopping every worker process of an installation: when the platform goes down, and when it is down already."""

from __future__ import annotations

import signal
import time
from collections.abc import Sequence
from pathlib import Path

from django.conf import settings
from django.db.models import Q
from django.db.models.functions import Now

from registry.agent import files
from registry.agent.identity import ProcessIdentity, boot_id
from registry.lifecycle import transition
from registry.models import Claim, Worker
from registry.states import ACTIVE, WorkerState

POLL_S = 0.05
DOWN_REASON = "the platform was shut down"


def stop_all_workers(*, actor: str, timeout_s: float = 8.0) -> int:
    """Stop this machine's workers and say so in their rows. Returns how many processes were stopped."""
    run_dir = Path(settings.MODELYARD_RUN_DIR)
    processes = dict(files.known(run_dir))
    stopped = end_processes(list(processes.values()), timeout_s=timeout_s)
    ordered_here = Q(launching_at__isnull=True, node__boot_id=boot_id(), state__in=ACTIVE)
    workers = Worker.objects.filter(ordered_here | Q(launch_id__in=processes))
    for worker in workers.select_related("deployment", "revision"):
        if worker.state in ACTIVE:
            transition(worker, WorkerState.STOPPED, actor=actor, reason=DOWN_REASON)
        Claim.objects.filter(worker=worker).delete()
        Worker.objects.filter(pk=worker.pk, exited_at__isnull=True).update(exited_at=Now())
    for launch_id in processes:
        files.forget(run_dir, launch_id)
    return stopped


def stop_leftovers(data_dir: Path, *, timeout_s: float = 8.0) -> int:
    """Stop the workers that an ended platform left behind. Needs no database: the next start sees that they are gone."""
    run_dir = data_dir / "run"
    processes = dict(files.known(run_dir))
    stopped = end_processes(list(processes.values()), timeout_s=timeout_s)
    for launch_id in processes:
        files.forget(run_dir, launch_id)
    return stopped


def end_processes(processes: Sequence[ProcessIdentity], *, timeout_s: float) -> int:
    """TERM, which drains; TERM again after a third of the time, which stops; KILL to the sessions at the end."""
    alive = [process for process in processes if process.send(signal.SIGTERM)]
    count, begun = len(alive), time.monotonic()
    alive = _wait(alive, until=begun + timeout_s / 3)
    alive = [process for process in alive if process.send(signal.SIGTERM)]
    alive = _wait(alive, until=begun + timeout_s)
    for process in alive:
        process.kill_session()
    _wait(alive, until=time.monotonic() + 1)
    return count


def _wait(processes: Sequence[ProcessIdentity], *, until: float) -> list[ProcessIdentity]:
    alive = [process for process in processes if process.alive()]
    while alive and time.monotonic() < until:
        time.sleep(POLL_S)
        alive = [process for process in alive if process.alive()]
    return alive
