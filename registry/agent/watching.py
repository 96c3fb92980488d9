"""The processes of this node's launches: whether they live, signals to them, and hearing of their end at once."""

from __future__ import annotations

import logging
import os
import select
import signal
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from registry.agent.census import Census
from registry.agent.duty import Life
from registry.agent.identity import ProcessIdentity, boot_id, launched
from registry.models import Worker
from registry.states import TERMINAL

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Presence:
    """What is seen of one launch now. `identity` is its worker's, living or not; None when it was never known."""

    life: Life
    identity: ProcessIdentity | None = None


@dataclass(slots=True)
class _Watched:
    identity: ProcessIdentity
    descriptor: int | None
    heard: tuple[str, bool] = ("run", False)  # the order that the worker was told of, and whether its launch is over


class Watch:
    """Keeps what can be lost with an agent: children (for exit codes), descriptors, and whom it saw alive or killed."""

    def __init__(self) -> None:
        self._children: dict[UUID, subprocess.Popen[bytes]] = {}
        self._watched: dict[UUID, _Watched] = {}
        self._killed: dict[UUID, str] = {}
        self._ends = select.epoll()
        self._alarm = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._ends.register(self._alarm, select.EPOLLIN)

    def look(self, workers: Sequence[Worker]) -> dict[int, Presence]:
        """See which launches live, by the workers' primary keys. This also reaps children of ours that have ended.

        First who runs, then one census for all others: what a worker left behind can only be told after its end.
        """
        started = [worker for worker in workers if worker.launching_at is not None and worker.boot_id == boot_id()]
        identities = {worker.pk: self._identity(worker) for worker in started}
        running = {pk for pk, identity in identities.items() if identity is not None and identity.alive()}
        census = Census.take() if len(running) < len(started) else None
        seen = {worker.pk: Presence(Life.GONE) for worker in workers}
        for worker in started:
            identity = identities[worker.pk]
            if worker.pk in running and identity is not None:
                self._follow(worker.launch_id, identity)
                seen[worker.pk] = Presence(Life.RUNNING, identity)
            elif census is not None:
                left = self._remnants(census, worker, identity)
                seen[worker.pk] = Presence(Life.REMNANTS if left else Life.GONE, identity)
        return seen

    def add_child(self, launch_id: UUID, child: subprocess.Popen[bytes]) -> ProcessIdentity | None:
        """Watch a process that was just started; None when it has ended already."""
        self._children[launch_id] = child
        identity = ProcessIdentity.of(child.pid)
        if identity is not None:
            self._follow(launch_id, identity)
        return identity

    def kill(self, worker: Worker, presence: Presence, *, why: str) -> None:
        """SIGKILL to all that is left of a launch."""
        logger.warning("%s: what is left of it is killed (%s).", worker.launch_id, why)
        if presence.life is Life.RUNNING:
            self._killed.setdefault(worker.launch_id, why)
        leader = [presence.identity] if presence.identity is not None else []
        for process in [*leader, *self._remnants(Census.take(), worker, presence.identity)]:
            process.send(signal.SIGKILL)

    def pass_on(self, worker: Worker) -> None:
        """When the order changed: let the worker beat at once, which is how it hears of it."""
        watched = self._watched.get(worker.launch_id)
        news = (worker.order, worker.state in TERMINAL)
        if watched is None or watched.heard == news:
            return
        watched.heard = news
        # Without a handler this signal would kill. Then the worker hears by its next beat, within a second.
        watched.identity.send(signal.SIGUSR1, only_if_caught=True)

    def exit_code(self, launch_id: UUID) -> int | None:
        """Of a child of ours that has ended."""
        child = self._children.get(launch_id)
        return None if child is None else child.poll()

    def started(self, launch_id: UUID) -> bool:
        """Whether its process is or was a child of ours."""
        return launch_id in self._children

    def saw_alive(self, launch_id: UUID) -> bool:
        return launch_id in self._watched

    def killed(self, launch_id: UUID) -> str:
        """Why we killed it; empty when we did not."""
        return self._killed.get(launch_id, "")

    def sessions(self) -> set[int]:
        return {watched.identity.pid for watched in self._watched.values()}

    def forget(self, launch_id: UUID) -> None:
        """Its end is written down."""
        self._children.pop(launch_id, None)
        self._killed.pop(launch_id, None)
        if (watched := self._watched.pop(launch_id, None)) and watched.descriptor is not None:
            os.close(watched.descriptor)

    def wait(self, timeout_s: float) -> None:
        """Until a worker ends, somebody wakes us, or the time is over."""
        for descriptor, _ in self._ends.poll(timeout_s):
            if descriptor == self._alarm:
                os.eventfd_read(self._alarm)

    def wake(self) -> None:
        os.eventfd_write(self._alarm, 1)

    def _follow(self, launch_id: UUID, identity: ProcessIdentity) -> None:
        if launch_id in self._watched:
            return
        descriptor = identity.pidfd()
        if descriptor is not None:
            # Once: an end that cannot be written down, for the database is away, must not turn the cycle into a loop.
            self._ends.register(descriptor, select.EPOLLIN | select.EPOLLONESHOT)
        self._watched[launch_id] = _Watched(identity, descriptor)

    def _identity(self, worker: Worker) -> ProcessIdentity | None:
        if (child := self._children.get(worker.launch_id)) is not None:
            child.poll()
        if worker.pid is None or worker.process_started is None:
            return launched(str(worker.launch_id))
        return ProcessIdentity(worker.boot_id, worker.pid, worker.process_started)

    def _remnants(self, census: Census, worker: Worker, identity: ProcessIdentity | None) -> set[ProcessIdentity]:
        """What a worker started: by inheritance of its launch id, and by session if we saw it lead that one.

        Without having seen it, a session's number proves nothing: long ago it may have been given to somebody else.
        """
        by_session = census.of_session(identity) if identity and self.saw_alive(worker.launch_id) else set()
        return census.of_launch(str(worker.launch_id)) | by_session
