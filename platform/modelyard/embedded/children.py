"""One supervised process: what to start, what became of it, and how to end it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import repeat
from pathlib import Path

from modelyard.embedded.accounts import Account
from modelyard.embedded.exec_child import KEEP_ACCOUNT
from modelyard.embedded.listener import Listener
from modelyard.embedded.logs import LogPump, RotatingLog
from registry.agent.identity import ProcessIdentity

EXEC_CHILD = str(Path(__file__).with_name("exec_child.py"))


@dataclass(frozen=True, slots=True)
class ChildSpec:
    """What to start under which name. `stop`: signals and the seconds each has before the next; SIGKILL follows."""

    name: str
    argv: tuple[str, ...]
    environment: Mapping[str, str] = field(repr=False)  # may hold secrets
    folder: Path = Path("/")
    account: Account | None = None
    death_signal: signal.Signals = signal.SIGTERM  # from the kernel, when the supervisor is gone
    stop: tuple[tuple[signal.Signals, float], ...] = ((signal.SIGTERM, 5.0),)
    stop_at_once: signal.Signals = signal.SIGKILL
    listener: Listener | None = None  # whose sockets it inherits


@dataclass(frozen=True, slots=True)
class ChildStatus:
    """One line of `modelyard status`. `state`: running, restarting or stopped."""

    name: str
    state: str
    restarts: int
    identity: ProcessIdentity | None


@dataclass(slots=True)
class Child:
    """The mutable side of a spec; times are the supervisor's clock, in seconds."""

    spec: ChildSpec
    process: subprocess.Popen[bytes] | None = None
    identity: ProcessIdentity | None = None
    drained: threading.Event = field(default_factory=threading.Event)
    started_at: float = 0.0
    failures: int = 0
    restarts: int = 0
    due_at: float | None = None  # when it is started again
    held: bool = False  # an operator told it to stay down

    @property
    def status(self) -> ChildStatus:
        state = "running" if self.process else "restarting" if self.due_at is not None else "stopped"
        return ChildStatus(self.spec.name, state, self.restarts, self.identity if self.process else None)

    def spawn(self, pump: LogPump, log: RotatingLog, *, now: float, told: int | None = None) -> None:
        """Raises `OSError` when the machine has no process left to give. Main thread only: see `exec_child`.

        `told`: a pipe on which the process says that it serves.
        """
        # The kernel ties a child to the *thread* that started it: from a passing thread it would die with that thread.
        assert threading.current_thread() is threading.main_thread()
        sockets = self.spec.listener.open() if self.spec.listener else ()
        options = [*(f"--fd={one}" for one in sockets), *([] if told is None else [f"--told={told}"])]
        self.process = subprocess.Popen(
            [*_command(self.spec), *options],
            env=dict(self.spec.environment),
            cwd=self.spec.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            pass_fds=sockets if told is None else (*sockets, told),
            start_new_session=True,  # the terminal's Ctrl-C is for the supervisor, which stops things in order
        )
        assert self.process.stdout is not None
        self.drained = pump.add(self.process.stdout, log)
        self.identity = ProcessIdentity.of(self.process.pid)
        self.started_at, self.due_at = now, None

    def poll(self) -> int | None:
        """The exit code once it has ended (negative: by that signal), and then never again."""
        if self.process is None or (code := self.process.poll()) is None:
            return None
        pid, self.process = self.process.pid, None
        _end_group(pid)
        return code

    def refuse(self) -> None:
        """Nobody follows it: whoever connects is refused, and does not wait for nothing."""
        if self.spec.listener is not None:
            self.spec.listener.close()

    def stop_steps(self, *, at_once: bool) -> Iterator[tuple[signal.Signals, float]]:
        """Signals to send, each with the seconds to wait before the next."""
        yield from [(self.spec.stop_at_once, 1.0)] if at_once else self.spec.stop
        yield from repeat((signal.SIGKILL, 1.0))

    def send(self, number: signal.Signals) -> None:
        if self.process is not None:
            self.process.send_signal(number)


def _command(spec: ChildSpec) -> list[str]:
    uid, gid = (spec.account.uid, spec.account.gid) if spec.account else (KEEP_ACCOUNT, KEEP_ACCOUNT)
    tie = [str(os.getpid()), str(int(spec.death_signal)), str(uid), str(gid)]
    return [sys.executable, "-I", "-S", EXEC_CHILD, *tie, *spec.argv]


def _end_group(pid: int) -> None:
    """What a dead child left in its process group. Model workers have sessions of their own and stay."""
    try:
        os.killpg(pid, signal.SIGKILL)
    except ProcessLookupError:
        return
