"""A process that takes over from another one of the same name, once it says that it does its work."""

from __future__ import annotations

import enum
import os
import select
import subprocess
from dataclasses import dataclass

from modelyard.embedded.children import Child
from modelyard.embedded.logs import LogPump, RotatingLog

PATIENCE_S = 60.0
LOOK_S = 0.05  # how often a supervisor looks while one is on its way


class Progress(enum.Enum):
    """How far a successor is."""

    COMING = "coming"
    SERVES = "serves"
    ENDED = "ended"
    LATE = "late"


@dataclass(slots=True)
class Successor:
    """A process on its way; `told` is our end of the pipe on which it says that it serves."""

    child: Child
    told: int
    late_at: float

    @classmethod
    def start(cls, of: Child, pump: LogPump, log: RotatingLog, *, now: float) -> Successor:
        """Start it beside the one that serves. Raises `OSError`."""
        told, tell = os.pipe2(os.O_CLOEXEC)
        try:
            child = Child(of.spec)
            child.spawn(pump, log, now=now, told=tell)
        except OSError:
            os.close(told)
            raise
        finally:
            os.close(tell)
        return cls(child, told, now + PATIENCE_S)

    def progress(self, now: float) -> Progress:
        """What it says, or what its silence means. The pipe is at its end when the process is."""
        if select.select([self.told], [], [], 0)[0]:
            return Progress.SERVES if os.read(self.told, 1) else Progress.ENDED
        return Progress.LATE if now > self.late_at else Progress.COMING

    def give_up(self) -> None:
        """End it at once, and forget it."""
        os.close(self.told)
        if self.child.process is not None:
            self.child.process.kill()
            self.child.process.wait()
            self.child.poll()

    def take_over(self, of: Child) -> subprocess.Popen[bytes] | None:
        """It is the one from now on; returns the process that it follows, if that still runs."""
        os.close(self.told)
        before, now = of.process, self.child
        of.process, of.identity, of.drained = now.process, now.identity, now.drained
        of.started_at, of.due_at = now.started_at, None
        return before
