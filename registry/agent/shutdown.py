"""Stopping every worker process of this machine's installation, and saying so in the rows."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings
from django.db.models import Q
from django.db.models.functions import Now

from registry.agent import files
from registry.agent.identity import boot_id
from registry.agent.leftovers import STOP_TIMEOUT_S, end_processes
from registry.lifecycle import transition
from registry.models import Claim, Worker
from registry.states import ACTIVE, WorkerState

DOWN_REASON = "the platform was shut down"


def stop_all_workers(*, actor: str, timeout_s: float = STOP_TIMEOUT_S) -> int:
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
