"""Holds an external server so that nothing of it outlives its worker. Run as a script, which imports nothing of ours:

    python -I -S leash.py GRACE_S PROGRAM ARGUMENT...

Servers start processes of their own, which hold the model's memory and which nobody would end after a SIGKILL of the
worker or of the server. This process adopts them as their subreaper, waits until the server ends or standard input is
closed (which is how it learns of the worker's end, whatever the way), ends them all, and then ends as the server did.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import select
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path

PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
_POLL_S = 0.02
_TRACKERS_S = 1.0
_REAP_MS = 5000


def main(arguments: Sequence[str]) -> None:
    """Never returns: it ends as the program did."""
    grace_s, program = float(arguments[0]), list(arguments[1:])
    # What a terminal or an agent sends to a whole group is for the worker to act upon, which then closes our input.
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    _prctl(PR_SET_CHILD_SUBREAPER, 1)
    server = _start(program)
    status = _wait_for_an_end(server)
    by_itself = status is not None
    if status is None:
        status = _end_gently(server, grace_s)
    _end_all()
    # A server that was told to end has ended well, by whatever signal.
    _end_as(status if by_itself else 0)


def _start(program: Sequence[str]) -> int:
    parent = os.getpid()
    pid = os.fork()
    if pid == 0:
        _become(program, parent)
    return pid


def _become(program: Sequence[str], parent: int) -> None:
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    # Should this process be killed itself: at least the server goes, and its worker sees that.
    _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    try:
        os.execvp(program[0], list(program))  # noqa: S606 - the worker's own argument list
    except OSError as error:
        sys.stderr.write(f"Cannot start {program[0]}: {error.strerror}\n")
        sys.stderr.flush()
        os._exit(127)


def _wait_for_an_end(server: int) -> int | None:
    """The status of the server when it ends by itself; None when the worker closed our input or is gone."""
    descriptor = os.pidfd_open(server)
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    poll.register(0, select.POLLIN | select.POLLHUP)
    while True:
        ready = {number for number, _ in poll.poll(_REAP_MS)}
        if (status := _reap(server)) is not None:
            return status
        if 0 in ready and not os.read(0, 1024):
            return None


def _reap(server: int) -> int | None:
    """Forget the orphans that have ended meanwhile; the status of the server when it is among the dead."""
    pid = -1
    while pid not in (0, server):
        pid, status = os.waitpid(-1, os.WNOHANG)
    return status if pid == server else None


def _end_gently(server: int, grace_s: float) -> int:
    """SIGTERM, so that it can free what only it knows of, and SIGKILL when that takes too long."""
    deadline = time.monotonic() + grace_s
    _send(server, signal.SIGTERM)
    while time.monotonic() < deadline:
        pid, status = os.waitpid(server, os.WNOHANG)
        if pid:
            return status
        time.sleep(_POLL_S)
    _send(server, signal.SIGKILL)
    return os.waitpid(server, 0)[1]


def _end_all() -> None:
    """Whoever is left; orphans of orphans become ours too, so this goes on until there is nobody."""
    deadline = time.monotonic() + _TRACKERS_S
    while True:
        late = time.monotonic() > deadline
        for pid in _children():
            if late or not _is_tracker(pid):
                _send(pid, signal.SIGKILL)
        try:
            if os.waitpid(-1, os.WNOHANG)[0] == 0:
                time.sleep(_POLL_S)
        except ChildProcessError:
            return


def _is_tracker(pid: int) -> bool:
    """Python's resource trackers end by themselves after all others, and free the shared memory that these left."""
    try:
        return b"multiprocessing.resource_tracker" in Path("/proc", str(pid), "cmdline").read_bytes()
    except OSError:
        return False


def _children() -> list[int]:
    # Not /proc/PID/task/TID/children, which not every kernel has.
    own = str(os.getpid())
    processes = (folder for folder in Path("/proc").iterdir() if folder.name.isdigit())
    return [int(folder.name) for folder in processes if _parent(folder) == own]


def _parent(folder: Path) -> str:
    try:
        return (folder / "stat").read_text(errors="replace").rpartition(")")[2].split()[1]
    except OSError:
        return ""


def _send(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def _end_as(status: int) -> None:
    code = os.waitstatus_to_exitcode(status)
    if code >= 0:
        sys.exit(code)
    # The core of the server, if it left one, is the one that tells something.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if -code not in (signal.SIGKILL, signal.SIGSTOP):
        signal.signal(-code, signal.SIG_DFL)
    os.kill(os.getpid(), -code)


def _prctl(option: int, value: int) -> None:
    if ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0) != 0:
        sys.exit(f"prctl({option}): {os.strerror(ctypes.get_errno())}.")


if __name__ == "__main__":
    main(sys.argv[1:])
