"""What `/proc` says of processes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from signal import Signals

PROC = Path("/proc")
STATE, SESSION, START_TICKS = 0, 3, 19  # fields of /proc/PID/stat behind the command's name
MACHINES_OWN_PIDS = "pid:[4026531836]"  # the number of the first pid namespace, the same on every Linux


@dataclass(frozen=True, slots=True)
class ProcessStat:
    """One process now. `started` is in clock ticks since the machine's start."""

    pid: int
    state: str
    session: int
    started: int

    @property
    def dead(self) -> bool:
        """A zombie, which waits for its parent to look, or one that just goes."""
        return self.state in {"Z", "X"}

    @property
    def stopped(self) -> bool:
        """By SIGSTOP, or by a debugger."""
        return self.state in {"T", "t"}


def stat(pid: int) -> ProcessStat | None:
    """None when there is no such process."""
    try:
        line = (PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    fields = line.rpartition(")")[2].split()
    return ProcessStat(pid, fields[STATE], int(fields[SESSION]), int(fields[START_TICKS]))


def pids() -> Iterator[int]:
    return (int(entry.name) for entry in PROC.iterdir() if entry.name.isdigit())


def living() -> dict[int, ProcessStat]:
    """Every process that is not dead, by pid."""
    found = (stat(pid) for pid in pids())
    return {one.pid: one for one in found if one is not None and not one.dead}


def session(everybody: Mapping[int, ProcessStat], leader: int, *, started: int) -> list[ProcessStat]:
    """What lives in the session that the process `leader`, started at `started`, leads or led; without itself.

    The kernel gives a session's number to no other process while one of its members lives. So when the number has
    another owner, that session is over; else its members are those that started after their leader.
    """
    owner = everybody.get(leader)
    if owner is not None and owner.started != started:
        return []
    members = (one for one in everybody.values() if one.session == leader and one.started >= started)
    return [one for one in members if one.pid != leader]


def arguments(pid: int) -> list[str]:
    """Of its command line; empty for zombies and for processes of the kernel."""
    return _strings(pid, "cmdline")


def environment(pid: int) -> list[str]:
    """As it was when its program started, `NAME=value` each; empty when it belongs to another user."""
    return _strings(pid, "environ")


def name(pid: int) -> str:
    try:
        return (PROC / str(pid) / "comm").read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""


def catches(pid: int, number: Signals) -> bool:
    """Whether the process has a handler for this signal."""
    try:
        lines = (PROC / str(pid) / "status").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return False
    mask = next((line.partition(":")[2] for line in lines if line.startswith("SigCgt:")), "0")
    return bool(int(mask, 16) >> (number - 1) & 1)


@cache
def boot_id() -> str:
    """The kernel's id of the machine's present life; in a container also the container's, for its pids end with it."""
    machine = (PROC / "sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    return machine if sees_all_pids() else f"{machine}/{_pid_namespace()[5:-1]}"


@cache
def sees_all_pids() -> bool:
    """False in a container, whose pids are not those that drivers know."""
    return _pid_namespace() in {MACHINES_OWN_PIDS, ""}


def _pid_namespace() -> str:
    try:
        return str((PROC / "self/ns/pid").readlink())
    except OSError:
        return ""


def _strings(pid: int, file: str) -> list[str]:
    try:
        return (PROC / str(pid) / file).read_bytes().decode(errors="replace").split("\0")
    except OSError:
        return []
