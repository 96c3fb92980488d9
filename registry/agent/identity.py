"""Who a process is: boot id, pid and start time together. A pid alone may belong to anybody a second later."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass

from registry.agent import processes
from registry.agent.processes import boot_id

__all__ = ["LAUNCH_VARIABLE", "ProcessIdentity", "boot_id", "launch_of", "launched", "launches"]

LAUNCH_VARIABLE = "MODELYARD_LAUNCH_ID"  # what a worker's children inherit, whatever session they are in
MODULE, LAUNCH_ARGUMENT = "inference", "--launch-id"


@dataclass(frozen=True, slots=True)
class ProcessIdentity:
    """One process, never to be mixed up with another. `started` is in clock ticks since the machine's start."""

    boot_id: str
    pid: int
    started: int

    @classmethod
    def of(cls, pid: int) -> ProcessIdentity | None:
        """The process that has this pid now; None when there is none, or only its zombie."""
        found = processes.stat(pid)
        return None if found is None or found.dead else cls(boot_id(), pid, found.started)

    def alive(self) -> bool:
        """Whether this very process still runs."""
        return ProcessIdentity.of(self.pid) == self

    def stopped(self) -> bool:
        """Whether it stands still, by SIGSTOP or a debugger."""
        found = processes.stat(self.pid)
        return found is not None and found.stopped and found.started == self.started

    def pidfd(self) -> int | None:
        """A file descriptor of this very process, readable once it has ended; None when it is gone.

        The identity is checked after the descriptor was opened: from then on the descriptor can mean no other process,
        whatever becomes of the pid.
        """
        try:
            descriptor = os.pidfd_open(self.pid)
        except ProcessLookupError:
            return None
        if self.alive():
            return descriptor
        os.close(descriptor)
        return None

    def send(self, number: signal.Signals, *, only_if_caught: bool = False) -> bool:
        """Signal the process. False: it is gone, or has no handler where one was asked for."""
        descriptor = self.pidfd()
        if descriptor is None:
            return False
        try:
            if only_if_caught and not processes.catches(self.pid, number):
                return False
            signal.pidfd_send_signal(descriptor, number)
        except ProcessLookupError:
            return False
        finally:
            os.close(descriptor)
        return True

    def kill_session(self) -> None:
        """SIGKILL to the process and to whatever else lives in the session that it leads or led."""
        if self.boot_id != boot_id():
            return
        members = processes.session(processes.living(), self.pid, started=self.started)
        for member in [self, *(ProcessIdentity(self.boot_id, one.pid, one.started) for one in members)]:
            member.send(signal.SIGKILL)


def launched(launch_id: str) -> ProcessIdentity | None:
    """The worker process that carries this launch id in its arguments."""
    return next((identity for found, identity in launches() if found == launch_id), None)


def launches() -> Iterator[tuple[str, ProcessIdentity]]:
    """Every worker process of this machine, whichever installation's it is, with its launch id."""
    for pid in processes.pids():
        launch_id = _launch_argument(processes.arguments(pid))
        if launch_id and (identity := ProcessIdentity.of(pid)):
            yield launch_id, identity


def launch_of(pid: int) -> str:
    """The launch that a process belongs to, as a worker or as what a worker started; empty when to none."""
    inherited = next((line for line in processes.environment(pid) if line.startswith(f"{LAUNCH_VARIABLE}=")), "")
    return inherited.partition("=")[2] or _launch_argument(processes.arguments(pid))


def _launch_argument(arguments: list[str]) -> str:
    if MODULE not in arguments or LAUNCH_ARGUMENT not in arguments[:-1]:
        return ""
    return arguments[arguments.index(LAUNCH_ARGUMENT) + 1]
