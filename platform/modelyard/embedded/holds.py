"""Which parts of the platform an operator told to stay down: a file that the supervisor looks at in each of its turns.

`modelyard shutdown --down` writes it and ends the processes; `modelyard up` empties it, so that "up" always means all.
"""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Iterable
from pathlib import Path

from modelyard import files
from modelyard.embedded.children import ChildStatus
from modelyard.embedded.run_state import RunState
from modelyard.errors import NotRunning, StopFailed
from modelyard.installation import Installation
from registry.agent.identity import ProcessIdentity

POLL_S = 0.05
ANSWER_S = 10.0  # for the supervisor to take note; a turn of it is 5 s at most


def read(installation: Installation) -> frozenset[str]:
    """The names that are held down now."""
    try:
        return frozenset(json.loads(_file(installation).read_text(encoding="utf-8"))["names"])
    except (OSError, ValueError, KeyError, TypeError):
        return frozenset()


def release(installation: Installation) -> frozenset[str]:
    """Let everything run again; the names that were held down."""
    held = read(installation)
    _file(installation).unlink(missing_ok=True)
    if held and (state := RunState.read(installation)):
        _wake(state)
    return held


def tell(installation: Installation, names: Iterable[str]) -> None:
    """End these parts and keep them down, without waiting for their end. Raises `NotRunning`."""
    wanted = frozenset(names)
    for entry in _hold(installation, wanted).processes:
        if entry.name in wanted and entry.identity:
            entry.identity.send(signal.SIGTERM)


def stop(installation: Installation, names: Iterable[str], *, timeout_s: float) -> list[str]:
    """End these parts, gracefully at first, and keep them down. Returns those that had to be killed."""
    wanted = frozenset(names)
    _hold(installation, wanted)
    killed: set[str] = set()
    told: set[ProcessIdentity] = set()
    kill_at = time.monotonic() + timeout_s
    while entries := _not_stopped(installation, wanted):
        late = time.monotonic() > kill_at
        for entry in entries:
            _end(entry, told=told, killed=killed if late else None)
        if time.monotonic() > kill_at + ANSWER_S:
            raise StopFailed(f"{', '.join(sorted(entry.name for entry in entries))}: the supervisor does not let go.")
        time.sleep(POLL_S)
    return sorted(killed)


def _hold(installation: Installation, names: Iterable[str]) -> RunState:
    """From now on these stay down once they end. Raises `NotRunning` when there is no supervisor that would mind."""
    state = RunState.read(installation)
    if state is None or not state.alive:
        raise NotRunning(f"Modelyard does not run for {installation.data_dir}, so there is nothing to stop.")
    files.write_json(_file(installation), {"names": sorted({*read(installation), *names})})
    _wake(state)
    return state


def _end(entry: ChildStatus, *, told: set[ProcessIdentity], killed: set[str] | None) -> None:
    if entry.identity is None or not entry.identity.alive():
        return
    if killed is not None:
        entry.identity.kill_session()
        killed.add(entry.name)
    elif entry.identity not in told:
        entry.identity.send(signal.SIGTERM)
        told.add(entry.identity)


def _not_stopped(installation: Installation, names: frozenset[str]) -> list[ChildStatus]:
    """Those that the supervisor does not yet know to be down for good. None of them when it ended itself."""
    state = RunState.read(installation)
    if state is None or not state.alive:
        return []
    return [entry for entry in state.processes if entry.name in names and entry.state != "stopped"]


def _wake(state: RunState) -> None:
    # As if a child had ended: the supervisor looks around, and it harms nobody.
    state.supervisor.send(signal.SIGCHLD)


def _file(installation: Installation) -> Path:
    return installation.run_dir / "held.json"
