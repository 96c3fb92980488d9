"""Keeps named processes running: starts them in order, restarts what dies, stops them and leaves nothing behind."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import time
from collections.abc import Callable, Collection, Iterator
from pathlib import Path

from modelyard.embedded.children import Child, ChildSpec, ChildStatus
from modelyard.embedded.logs import LogPump, RotatingLog
from modelyard.embedded.restarts import RestartPolicy
from modelyard.embedded.succession import LOOK_S, Progress, Successor
from modelyard.errors import StartFailed

PR_SET_CHILD_SUBREAPER = 36


class Supervisor:
    """Turned by `tick()` from the main thread; holds no thread but the log pump's."""

    def __init__(
        self,
        log_dir: Path,
        *,
        say: Callable[[str], None] = lambda line: None,
        on_change: Callable[[list[ChildStatus]], None] = lambda statuses: None,
        policy: RestartPolicy | None = None,
        held: Callable[[], Collection[str]] = tuple,
    ) -> None:
        self._log_dir = log_dir
        self._say = say
        self._on_change = on_change
        self._policy = policy or RestartPolicy()
        self._held = held  # names of what an operator told to stay down
        self._pump = LogPump()
        self._children: dict[str, Child] = {}
        self._successors: dict[str, Successor] = {}
        self._leaving: list[subprocess.Popen[bytes]] = []  # told to end, with a successor already
        self._adopts = False

    def adopt_orphans(self) -> None:
        """From now on what our children leave behind becomes our child, and is reaped by `tick`."""
        if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
            raise StartFailed(f"This kernel does not let us adopt orphans: {os.strerror(ctypes.get_errno())}.")
        self._adopts = True

    def statuses(self) -> list[ChildStatus]:
        return [child.status for child in self._children.values()]

    def status(self, name: str) -> ChildStatus:
        return self._children[name].status

    def start(self, spec: ChildSpec) -> None:
        child = self._children[spec.name] = Child(spec)
        self._spawn(child)
        self._changed()

    def tick(self) -> None:
        """Reaps what ended and starts what is due. What is held down ends as well, and is not started."""
        turned = (
            self._mind_successors() | self._mind_holds()
        )  # before the reaping: whoever ends a process has said before that it is held
        ended = list(self._reap())
        for child, code in ended:
            self._plan_restart(child, code)
        due = [child for child in self._children.values() if child.due_at is not None and child.due_at <= _now()]
        for child in due:
            child.restarts += 1
            self._spawn(child)
        if turned or ended or due:
            self._changed()

    def renew(self, name: str) -> None:
        """Start it anew beside the one that serves, which is told to end when the new one serves."""
        child = self._children[name]
        if child.process is None or name in self._successors:
            return
        try:
            log = RotatingLog(self.log_file(name))
            self._successors[name] = Successor.start(child, self._pump, log, now=_now())
        except OSError as error:
            self._say(f"A new {name} cannot be started ({error}); the old one goes on.")

    def next_due_s(self, at_most: float) -> float:
        """Seconds until a restart is due, or until a successor may have something to say."""
        if self._successors:
            return LOOK_S
        return min([at_most, *(max(0.0, child.due_at - _now()) for child in self._children.values() if child.due_at)])

    def stop(self, *names: str, at_once: bool = False) -> None:
        """Ends these together, each by its own signals, and returns when they are gone."""
        stopping = [child for name in names if (child := self._children.get(name))]
        for child in stopping:
            child.due_at = None
            child.refuse()
            if successor := self._successors.pop(child.spec.name, None):
                successor.give_up()
        steps = {id(child): child.stop_steps(at_once=at_once) for child in stopping}
        deadlines = dict.fromkeys(steps, 0.0)
        while living := [child for child in stopping if child.process]:
            for child in living:
                if _now() >= deadlines[id(child)]:
                    number, grace_s = next(steps[id(child)])
                    child.send(number)
                    deadlines[id(child)] = _now() + grace_s
            time.sleep(0.01)
            self._reap_all()
        self._changed()

    def stop_all(self, *, at_once: bool = False) -> None:
        self.stop(*self._children, at_once=at_once)

    def log_file(self, name: str) -> Path:
        return self._log_dir / f"{name}.log"

    def wait_for_log(self, name: str, *, timeout_s: float = 1.0) -> None:
        """Until all that an ended process printed is in its log."""
        self._children[name].drained.wait(timeout_s)

    def _spawn(self, child: Child) -> None:
        try:
            child.spawn(self._pump, RotatingLog(self.log_file(child.spec.name)), now=_now())
        except OSError as error:
            child.failures += 1
            delay_s = self._policy.delay_s(child.failures)
            child.due_at = _now() + delay_s
            self._say(f"{child.spec.name} cannot be started ({error}); next try in {delay_s:g} s.")

    def _mind_holds(self) -> bool:
        names = self._held()
        turned = [child for child in self._children.values() if child.held is not (child.spec.name in names)]
        for child in turned:
            child.held = not child.held
            child.failures = 0
            child.due_at = None if child.held or child.process else _now()
            if child.held:
                child.refuse()
        return bool(turned)

    def _mind_successors(self) -> bool:
        ready = [
            (name, progress)
            for name, one in self._successors.items()
            if (progress := one.progress(_now())) is not Progress.COMING
        ]
        for name, progress in ready:
            self._settle(self._children[name], self._successors.pop(name), progress)
        return bool(ready)

    def _settle(self, child: Child, successor: Successor, progress: Progress) -> None:
        if progress is not Progress.SERVES or child.held:
            successor.give_up()
            self._say(
                f"The new {child.spec.name} did not come up: see {self.log_file(child.spec.name)}. The old one goes on."
            )
        elif (before := successor.take_over(child)) is not None:
            before.send_signal(child.spec.stop[0][0])
            self._leaving.append(before)

    def _plan_restart(self, child: Child, code: int) -> None:
        if child.held:
            self._say(f"{child.spec.name} ended ({how_it_ended(code)}) and stays down, as an operator told it.")
            return
        child.failures = self._policy.failures_in_a_row(child.failures, ran_s=_now() - child.started_at)
        delay_s = self._policy.delay_s(child.failures)
        child.due_at = _now() + delay_s
        self._say(f"{child.spec.name} ended ({how_it_ended(code)}); next try in {delay_s:g} s.")

    def _reap_all(self) -> None:
        for child, _ in self._reap():
            child.due_at = None

    def _reap(self) -> Iterator[tuple[Child, int]]:
        for child in self._children.values():
            if (code := child.poll()) is not None:
                yield child, code
        self._leaving = [process for process in self._leaving if process.poll() is None]
        if self._adopts:
            self._reap_orphans()

    def _reap_orphans(self) -> None:
        ours = {child.process.pid for child in self._children.values() if child.process}
        ours |= {process.pid for process in self._leaving}
        ours |= {one.child.process.pid for one in self._successors.values() if one.child.process}
        # WNOWAIT only looks: the exit code of a child of ours must stay for its own poll.
        while (ended := _any_ended_child()) and ended not in ours:
            os.waitpid(ended, 0)

    def _changed(self) -> None:
        self._on_change(self.statuses())


def how_it_ended(code: int) -> str:
    """Popen's return code in words."""
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"signal {signal.Signals(-code).name.removeprefix('SIG')}"
    except ValueError:
        return f"signal {-code}"


def _any_ended_child() -> int | None:
    try:
        ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return None
    return ended.si_pid if ended else None


def _now() -> float:
    return time.monotonic()
