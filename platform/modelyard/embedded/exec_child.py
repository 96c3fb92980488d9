"""Becomes a child process that dies with its supervisor. Run as a script, before the real program:

    python -I -S exec_child.py PARENT_PID DEATH_SIGNAL UID GID PROGRAM ARGUMENT...

A script of its own, since `preexec_fn` is unsafe in a process with threads. It imports nothing of ours: with `-I -S`
it costs 10 ms.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1
KEEP_ACCOUNT = -1


def main(arguments: list[str]) -> None:
    parent, death_signal, uid, gid = map(int, arguments[:4])
    program = arguments[4:]
    _become(uid, gid)
    # After the change of account: the kernel forgets the death signal when credentials change.
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, death_signal, 0, 0, 0) != 0:
        sys.exit(f"Cannot tie {program[0]} to its supervisor: {os.strerror(ctypes.get_errno())}.")
    if os.getppid() != parent:
        sys.exit("The supervisor ended while this process started.")
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    try:
        os.execv(program[0], program)  # noqa: S606 - the supervisor's own argument list
    except OSError as error:
        sys.exit(f"Cannot start {program[0]}: {error.strerror}.")


def _become(uid: int, gid: int) -> None:
    if uid == KEEP_ACCOUNT:
        return
    os.setgroups([gid])
    os.setgid(gid)
    os.setuid(uid)


if __name__ == "__main__":
    main(sys.argv[1:])
