"""Ending worker processes that nobody watches any more. Needs no database."""

from __future__ import annotations

import signal
import time
from collections.abc import Sequence
from pathlib import Path

from registry.agent import files
from registry.agent.identity import ProcessIdentity

POLL_S = 0.05
STOP_TIMEOUT_S = 8.0


def stop_leftovers(data_dir: Path, *, timeout_s: float = STOP_TIMEOUT_S) -> int:
    """Stop the workers that an ended platform left behind; the next start's agent finds them gone."""
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
    for process in processes:  # also those that ended by themselves, for what they left in their sessions
        process.kill_session()
    _wait(alive, until=time.monotonic() + 1)
    return count


def _wait(processes: Sequence[ProcessIdentity], *, until: float) -> list[ProcessIdentity]:
    alive = [process for process in processes if process.alive()]
    while alive and time.monotonic() < until:
        time.sleep(POLL_S)
        alive = [process for process in alive if process.alive()]
    return alive
