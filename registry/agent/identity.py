"""Who a process is: boot id, pid and start time together. A pid alone may belong to anybody a second later."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
STATE, SESSION, START_TICKS = 0, 3, 19  # fields of /proc/PID/stat behind the command's name


def boot_id() -> str:
    """The kernel's id of the machine's present life."""
    return (PROC / "sys/kernel/random/boot_id").read_text(encoding="ascii").strip()


@dataclass(frozen=True, slots=True)
class ProcessIdentity:
    """One process, never to be mixed up with another. `started` is in clock ticks since the machine's start."""

    boot_id: str
    pid: int
    started: int

    @classmethod
    def of(cls, pid: int) -> ProcessIdentity | None:
        """The process that has this pid now; None when there is none, or only its zombie."""
        fields = _stat(pid)
        if fields is None or fields[STATE] in {"Z", "X"}:
            return None
        return cls(boot_id(), pid, int(fields[START_TICKS]))

    def alive(self) -> bool:
        """Whether this very process still runs."""
        return ProcessIdentity.of(self.pid) == self

    def send(self, number: signal.Signals) -> bool:
        """Signal the process. False: it is gone."""
        if not self.alive():
            return False
        try:
            os.kill(self.pid, number)
        except ProcessLookupError:
            return False
        return True

    def kill_session(self) -> None:
        """SIGKILL to the process and to whatever else lives in the session that it leads."""
        for pid in [self.pid, *_session_members(self.pid)]:
            if pid != self.pid or self.alive():
                _kill(pid)


def launched(launch_id: str) -> ProcessIdentity | None:
    """The worker process that carries this launch id in its arguments."""
    for pid in _pids():
        if launch_id in _arguments(pid) and (identity := ProcessIdentity.of(pid)):
            return identity
    return None


def _pids() -> Iterator[int]:
    return (int(entry.name) for entry in PROC.iterdir() if entry.name.isdigit())


def _arguments(pid: int) -> list[str]:
    try:
        return (PROC / str(pid) / "cmdline").read_bytes().decode(errors="replace").split("\0")
    except OSError:
        return []


def _stat(pid: int) -> list[str] | None:
    try:
        line = (PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    return line.rpartition(")")[2].split()


def _session_members(leader: int) -> list[int]:
    return [pid for pid in _pids() if pid != leader and (stat := _stat(pid)) and int(stat[SESSION]) == leader]


def _kill(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
