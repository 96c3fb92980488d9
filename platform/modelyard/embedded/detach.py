"""`up --detach`: the same start in a session of its own, watched until it is ready."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from modelyard.embedded.announcement import announcement
from modelyard.embedded.console import Console
from modelyard.embedded.run_state import READY, RunState
from modelyard.errors import StartFailed
from modelyard.installation import Installation

BACKGROUND = "--in-background"
UP_LOG_BYTES = 1_000_000
POLL_S = 0.1


def start_detached(installation: Installation, arguments: Sequence[str], console: Console) -> None:
    """Returns when the platform is ready. Raises `StartFailed` when it ended instead."""
    log = installation.log_dir / "up.log"
    if log.exists() and log.stat().st_size > UP_LOG_BYTES:
        log.replace(log.with_name("up.log.1"))
    with os.fdopen(os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), "ab") as output:
        seen = log.stat().st_size
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "modelyard", "up", BACKGROUND, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    _follow(process, installation, _Tail(log, seen, console))
    if state := _ready(installation, process.pid):
        credentials = installation.load_credentials()
        console.say(announcement(credentials, state.url, state.models, failures=state.failures))


class _Tail:
    """Passes on what is added to a log."""

    def __init__(self, log: Path, position: int, console: Console) -> None:
        self._log, self._position, self._console = log, position, console

    def pass_on(self) -> None:
        with self._log.open("rb") as file:
            file.seek(self._position)
            # whole lines only: the rest of one may still be on its way
            added = file.read().rpartition(b"\n")[0]
        if added:
            self._position += len(added) + 1
            self._console.say(added.decode(errors="replace"))


def _follow(process: subprocess.Popen[bytes], installation: Installation, tail: _Tail) -> None:
    try:
        while process.poll() is None and not _ready(installation, process.pid):
            tail.pass_on()
            time.sleep(POLL_S)
    except KeyboardInterrupt:
        raise StartFailed(
            "It goes on starting in the background: `modelyard status` tells, `modelyard down` stops it."
        ) from None
    tail.pass_on()
    if process.returncode:
        raise StartFailed(f"The start failed for the reason above; it is also in {installation.log_dir / 'up.log'}.")


def _ready(installation: Installation, pid: int) -> RunState | None:
    state = RunState.read(installation)
    return state if state and state.supervisor.pid == pid and state.phase == READY else None
