"""What runs for an installation right now, in `run/`: a lock that dies with its holder, and a file for `status`."""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

from modelyard import files
from modelyard.embedded.children import ChildStatus
from modelyard.errors import AlreadyRunning
from modelyard.installation import Installation
from registry.agent.identity import ProcessIdentity

NAMES = ("postgres", "web", "agent", "control")
CLOCK_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
READY, STARTING, STOPPING = "ready", "starting", "stopping"


@dataclass(frozen=True, slots=True)
class RunState:
    """Written by the supervisor at each change. `phase`: starting, ready or stopping."""

    supervisor: ProcessIdentity
    url: str
    phase: str
    processes: tuple[ChildStatus, ...] = ()
    models: tuple[str, ...] = ()
    failures: tuple[str, ...] = ()  # models of this start that did not come up, a sentence each

    @classmethod
    def read(cls, installation: Installation) -> RunState | None:
        """None: nothing ever ran, or the file tells nothing."""
        try:
            content = json.loads((installation.run_dir / "supervisor.json").read_text(encoding="utf-8"))
            processes = tuple(_process(entry) for entry in content["processes"])
            return cls(
                supervisor=ProcessIdentity(**content["supervisor"]),
                url=content["url"],
                phase=content["phase"],
                processes=processes,
                models=tuple(content["models"]),
                failures=tuple(content["failures"]),
            )
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def write(self, installation: Installation) -> None:
        files.write_json(installation.run_dir / "supervisor.json", asdict(self))

    @property
    def alive(self) -> bool:
        return self.supervisor.alive()

    def living(self) -> list[ProcessIdentity]:
        """Recorded processes that still run, with the supervisor or without."""
        return [entry.identity for entry in self.processes if entry.identity and entry.identity.alive()]


def rows(state: RunState | None, *, external_database: bool) -> list[dict[str, Any]]:
    """For `status`: each of our processes as it is now, whatever the file remembers."""
    known = {entry.name: entry for entry in state.processes} if state else {}
    supervised = state is not None and state.alive
    listed = [_row(name, known.get(name), supervised=supervised) for name in NAMES]
    if external_database:
        listed[0]["state"] = "external"
    return listed


def _row(name: str, entry: ChildStatus | None, *, supervised: bool) -> dict[str, Any]:
    identity = entry.identity if entry and entry.identity and entry.identity.alive() else None
    restarting = entry is not None and supervised and identity is None and entry.state != "stopped"
    return {
        "name": name,
        "pid": identity.pid if identity else None,
        "state": "running" if identity else "restarting" if restarting else "stopped",
        "restarts": entry.restarts if entry else 0,
        "uptime_s": round(uptime_s(identity), 1) if identity else None,
    }


def uptime_s(identity: ProcessIdentity) -> float:
    return max(0.0, time.clock_gettime(time.CLOCK_BOOTTIME) - identity.started / CLOCK_TICKS_PER_SECOND)


def end_recorded(state: RunState | None, *, timeout_s: float) -> None:
    """Waits for what a killed supervisor left, which the kernel told to end, and kills what does not."""
    deadline = time.monotonic() + timeout_s
    left = state.living() if state else []
    while left and time.monotonic() < deadline:
        time.sleep(0.05)
        left = [identity for identity in left if identity.alive()]
    for identity in left:
        identity.kill_session()


@contextmanager
def sole_supervisor(installation: Installation) -> Iterator[None]:
    """Held as long as the supervisor lives; the kernel gives it back however that ends. Raises `AlreadyRunning`."""
    descriptor = os.open(installation.run_dir / "supervisor.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise AlreadyRunning(running_sentence(installation)) from None
    finally:
        os.close(descriptor)


def running_sentence(installation: Installation) -> str:
    state = RunState.read(installation)
    if state is None or not state.alive:
        return f"Another `modelyard up` is just starting on {installation.data_dir}."
    return f"Modelyard already runs at {state.url} (pid {state.supervisor.pid}); `modelyard down` stops it."


def _process(entry: dict[str, Any]) -> ChildStatus:
    identity = ProcessIdentity(**entry["identity"]) if entry["identity"] else None
    return ChildStatus(entry["name"], entry["state"], entry["restarts"], identity)
