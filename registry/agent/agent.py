"""The agent of one node: it starts what the rows order, watches it by identity, and writes down what it sees."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from uuid import UUID, uuid4

from django.conf import settings

from registry import estimate
from registry.agent import exits, launches, registration
from registry.agent.duty import Duty, Life, Seen, duty
from registry.agent.endings import Endings
from registry.agent.holders import Running
from registry.agent.inventory import Inventory
from registry.agent.launching import Launcher
from registry.agent.modelfiles import Library
from registry.agent.orphans import Orphans
from registry.agent.ownership import Ownership
from registry.agent.probing import Probes
from registry.agent.room import Room
from registry.agent.setup import Setup
from registry.agent.watching import Presence, Watch
from registry.models import Worker
from registry.states import ACTIVE, TERMINAL, Order, WorkerState

CYCLE_S = 1.0
CALM_CYCLE_S = 2.0  # while all that is here serves; ends and nudges come at once in any case
ENDING_S = 0.2  # while the memory of an ended worker is waited for


class Agent:
    """Everything that one agent process keeps in memory; all of it can be lost, the rows and the processes stay."""

    def __init__(self, name: str, setup: Setup | None = None) -> None:
        setup = setup or Setup()
        self._inventory = Inventory(name, setup)
        session = uuid4()
        self.node = registration.join(name, session, self._inventory.first_sight(), setup=setup)
        self._owner = Ownership(self.node, session)
        self._watch = Watch()
        self._endings = Endings(self._owner, self._watch, self._inventory)
        self._launcher = Launcher(self._owner, self._watch, self._endings)
        self._probes = Probes()
        self._orphans = Orphans(self.node)
        self._library = Library(estimate.inspect)
        self._room = Room(Path(settings.MODELYARD_LOG_DIR).parent)
        self._calm = False
        self._lock = threading.Lock()  # the cycle and Celery's tasks take turns

    def cycle(self) -> None:
        """Beat, then look after every launch of this node. Raises `Superseded` when the node is another agent's now."""
        self._endings.memory_killer.sample()
        self._owner.beat(self._room.facts())
        with self._lock:
            workers = launches.of_node(self.node)
            self._attend(workers)
            self._calm = all(map(launches.serves, workers))
            running = Running({str(worker.launch_id) for worker in workers}, self._watch.sessions())
            self._owner.assure()
            if self._inventory.turn(self.node, running):
                self._endings.lift_quarantines()
        self._library.turn(self.node)
        self._orphans.turn()

    def attend(self, launch_id: UUID) -> None:
        """Look after one launch now."""
        with self._lock:
            self._attend(launches.of_node(self.node, launch_id=launch_id))

    def wait(self) -> None:
        """Until the next cycle is due: after a while, or at once when a worker has ended."""
        if self._endings.pending:
            self._watch.wait(ENDING_S)
        else:
            self._watch.wait(CALM_CYCLE_S if self._calm else CYCLE_S)

    def wake(self) -> None:
        """End a wait, from any thread."""
        self._watch.wake()

    def leave(self) -> None:
        """Go without touching what runs."""
        registration.leave(self.node, self._owner.session)

    def close(self) -> bool:
        """Give up the looks beside the cycle. False: one of them hangs, and the interpreter would wait for it."""
        self._probes.close()
        return all([self._inventory.close(), self._library.close()])

    def _attend(self, workers: Sequence[Worker]) -> None:
        presences = self._watch.look(workers)
        for worker in workers:
            self._owner.assure()
            self._do(worker, presences[worker.pk])
        self._endings.tell()

    def _do(self, worker: Worker, presence: Presence) -> None:
        match duty(self._seen(worker, presence.life)):
            case Duty.LAUNCH:
                self._launcher.launch(worker)
            case Duty.ADOPT if presence.identity is not None:
                self._launcher.remember(worker, presence.identity)
            case Duty.RECORD_EXIT:
                self._endings.settle(worker)
            case Duty.KILL:
                over = worker.state in TERMINAL
                self._watch.kill(worker, presence, why=exits.BY_US_OVER if over else exits.BY_US_LATE)
        if presence.life is Life.RUNNING:
            self._observe(worker, presence)

    def _observe(self, worker: Worker, presence: Presence) -> None:
        self._watch.pass_on(worker)
        if worker.state in ACTIVE and presence.identity is not None:
            self._probes.examine(worker, now=launches.now_of(worker), stopped=presence.identity.stopped())

    def _seen(self, worker: Worker, life: Life) -> Seen:
        """The launch as `duty` wants it, on the database's clock."""
        return Seen(
            state=WorkerState(worker.state),
            order=Order(worker.order),
            ordered_at=worker.ordered_at,
            drain_limit=launches.drain_limit(worker),
            launching_at=worker.launching_at,
            ended_at=worker.ended_at,
            # A child of ours may end before its pid is written down.
            recorded=worker.pid is not None or (life is Life.GONE and self._watch.started(worker.launch_id)),
            exited=worker.exited_at is not None,
            life=life,
            now=launches.now_of(worker),
        )
