"""A fleet in memory that does what `plan()` says: machines and time are played, the decisions are the real ones."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from registry.placement import DeviceView, Placement, Request, Unplaceable
from registry.plan import (
    Action,
    Alarm,
    Command,
    Create,
    DeploymentView,
    End,
    Ending,
    NodeBack,
    NodeLost,
    NodeView,
    Place,
    Promote,
    Release,
    Snapshot,
    WorkerView,
    plan,
)
from registry.plan.nodes import NODE_LATE
from registry.states import TERMINAL, Order, WorkerState

GIB = 2**30
SIZES = (1, 2, 4, 8)  # how many GPUs a request by size alone may get
START = datetime(2026, 1, 1, tzinfo=UTC)
STARTS_IN, LOADS_IN, DRAINS_IN = timedelta(seconds=1), timedelta(seconds=3), timedelta(seconds=2)


@dataclass(slots=True)
class Process:
    """What the machine knows of a launch."""

    worker_id: int
    node_id: int
    claims: tuple[tuple[int, int], ...]
    begun: datetime
    hangs: bool = False
    leaves_at: datetime | None = None


@dataclass(slots=True)
class Machine:
    """A node: `agent` runs or not, and `connected` says whether anything of it reaches the database."""

    id: int
    sizes: tuple[int, ...]  # of its devices, in bytes
    agent: bool = True
    connected: bool = True
    last_seen_at: datetime = START
    lost_at: datetime | None = None
    drain_deadline: datetime | None = None

    @property
    def name(self) -> str:
        return f"node-{self.id}"


@dataclass(slots=True)
class World:
    """Rows and processes. `tick` lets time pass for all of them; `turn` is the reconciler's."""

    machines: list[Machine]
    deployments: dict[int, DeploymentView]
    now: datetime = START
    workers: dict[int, WorkerView] = field(default_factory=dict)
    processes: dict[int, Process] = field(default_factory=dict)
    alarm: str = ""
    refused: set[int] = field(default_factory=set)  # workers without a place since the last turn
    wronged: list[str] = field(default_factory=list)  # who was given up although it was heard, or under an alarm

    # devices

    def devices(self) -> list[DeviceView]:
        return [self._device(machine, index) for machine in self.machines for index in range(len(machine.sizes))]

    def _device(self, machine: Machine, index: int) -> DeviceView:
        number = device_id(machine.id, index)
        sizes = [size for worker in self.workers.values() for device, size in worker.claims if device == number]
        silent = machine.lost_at is not None or self.now - machine.last_seen_at > NODE_LATE
        return DeviceView(
            id=number,
            node_id=machine.id,
            node=machine.name,
            index=index,
            kind="cuda",
            total=machine.sizes[index],
            claimed=sum(sizes),
            holders=len(sizes),
            simulated=True,
            unusable="drained" if machine.drain_deadline else "silent" if silent else "",
        )

    def fits(self, request: Request) -> bool:
        """By trying every node; for requests by size and number of GPUs. By size alone, they get as few as could do."""
        views = [view for view in self.devices() if not view.unusable]
        nodes = [[view for view in views if view.node_id == machine.id] for machine in self.machines]
        for count in (request.gpus,) if request.gpus else SIZES:
            share = request.share(count)
            if request.gpus or any(sum(view.total >= share for view in node) >= count for node in nodes):
                return any(sum(view.free >= share for view in node) >= count for node in nodes)
        return False

    # the control plane

    def turn(self) -> list[Action]:
        """Plan, and do it: what makes room before what takes it, as the reconciler does."""
        actions = plan(self._snapshot())
        self.refused.clear()
        for action in sorted(actions, key=lambda action: isinstance(action, Create | Place)):
            self._do[type(action)](self, action)
        return actions

    def _snapshot(self) -> Snapshot:
        nodes = [
            NodeView(m.id, m.name, m.last_seen_at, lost_at=m.lost_at, drain_deadline=m.drain_deadline)
            for m in self.machines
        ]
        newest = {(w.deployment_id, w.replica): w.id for w in self.workers.values()}
        seen = [w for w in self.workers.values() if w.active or w.claims or newest[w.deployment_id, w.replica] == w.id]
        return Snapshot(self.now, list(self.deployments.values()), seen, self.devices(), nodes, alarm=self.alarm)

    def _create(self, action: Create) -> None:
        number = len(self.workers) + 1
        self.workers[number] = WorkerView(
            id=number,
            deployment_id=action.deployment.id,
            launch_key=action.deployment.launch_key,
            replica=action.replica,
            attempt=action.attempt,
            state=WorkerState.PENDING,
            order=Order.RUN,
            created_at=self.now,
            state_changed_at=self.now,
            replaces=action.replaces,
            window_started_at=action.window_started_at,
        )
        self._seat(number, action.outcome)

    def _place(self, action: Place) -> None:
        self._seat(action.worker_id, action.outcome)

    def _seat(self, number: int, outcome: Placement | Unplaceable) -> None:
        if isinstance(outcome, Unplaceable):
            self.refused.add(number)
            return
        self.change(
            number,
            state=WorkerState.STARTING,
            node_id=outcome.node_id,
            claims=outcome.claims,
            state_changed_at=self.now,
        )

    def _promote(self, action: Promote) -> None:
        self.change(action.worker_id, replaces=None)

    def _command(self, action: Command) -> None:
        self.change(action.worker_id, order=action.order, ordered_at=self.now, reason=action.reason)

    def _end(self, action: End) -> None:
        worker = self.workers[action.worker_id]
        self._judge(worker, action)
        claims = worker.claims if worker.has_process else ()
        order = Order.STOP if action.kill and worker.has_process else worker.order
        self.change(worker.id, state=action.state, ended_at=self.now, reason=action.reason, claims=claims, order=order)

    def _judge(self, worker: WorkerView, verdict: End) -> None:
        process = self.processes.get(worker.id)
        heard = worker.heartbeat_at is not None and self.now - worker.heartbeat_at < timedelta(seconds=6)
        if verdict.state in {WorkerState.LOST, WorkerState.FAILED} and process and heard:
            self.wronged.append(f"{worker} lives, and is {verdict.state}: {verdict.reason}")
        if verdict.state == WorkerState.LOST and self.alarm:
            self.wronged.append(f"{worker} is LOST under the alarm {self.alarm}")

    def _release(self, action: Release) -> None:
        self.change(action.worker_id, claims=())

    def _node_lost(self, action: NodeLost) -> None:
        self.machine(action.node_id).lost_at = self.now

    def _node_back(self, action: NodeBack) -> None:
        self.machine(action.node_id).lost_at = None

    def _set_alarm(self, action: Alarm) -> None:
        self.alarm = action.text

    _do = {
        Alarm: _set_alarm,
        Command: _command,
        Create: _create,
        End: _end,
        NodeBack: _node_back,
        NodeLost: _node_lost,
        Place: _place,
        Promote: _promote,
        Release: _release,
    }

    def change(self, number: int, **changes: object) -> None:
        self.workers[number] = replace(self.workers[number], **changes)  # type: ignore[arg-type]

    def machine(self, number: int) -> Machine:
        return self.machines[number - 1]

    # the machines

    def tick(self, seconds: float = 1.0) -> None:
        """Let time pass; every agent looks around, and every process beats."""
        self.now += timedelta(seconds=seconds)
        for machine in self.machines:
            if machine.agent and machine.connected:
                machine.last_seen_at = self.now
                for worker in [w for w in self.workers.values() if w.node_id == machine.id]:
                    self._attend(worker)
        for process in list(self.processes.values()):
            if self.machine(process.node_id).connected and not process.hangs:
                self._beat(process, self.workers[process.worker_id])

    def _attend(self, worker: WorkerView) -> None:
        """The agent's half of a launch."""
        process = self.processes.get(worker.id)
        if not worker.taken_on:
            if worker.state == WorkerState.STARTING and worker.order == Order.RUN:
                self.change(worker.id, launching_at=self.now)
                self.processes[worker.id] = Process(worker.id, worker.node_id or 0, worker.claims, self.now)
        elif process is None:
            if worker.exited_at is None:
                self.change(worker.id, exited_at=self.now, ending=Ending("it ended"))
        elif self._to_be_killed(worker):
            del self.processes[worker.id]
        else:
            since = (worker.unresponsive_since or self.now) if process.hangs else None
            self.change(worker.id, unresponsive_since=since)

    def _to_be_killed(self, worker: WorkerView) -> bool:
        if worker.state in TERMINAL:
            return worker.order == Order.STOP or self.now - (worker.ended_at or self.now) > timedelta(seconds=15)
        return worker.order == Order.STOP and self.now - (worker.ordered_at or self.now) > timedelta(seconds=5)

    def _beat(self, process: Process, worker: WorkerView) -> None:
        """The worker's half: its state, and what it does with the order that comes back."""
        if process.leaves_at is not None and self.now >= process.leaves_at:
            del self.processes[worker.id]
            return
        if not worker.active or worker.order != Order.RUN:
            process.leaves_at = process.leaves_at or self.now + DRAINS_IN
        if worker.active:
            state = self._reported(process, worker)
            changed = {"state_changed_at": self.now} if state != worker.state else {}
            self.change(worker.id, state=state, heartbeat_at=self.now, **changed)

    def _reported(self, process: Process, worker: WorkerView) -> WorkerState:
        if process.leaves_at is not None:
            return WorkerState.DRAINING
        age = self.now - process.begun
        return WorkerState.READY if age >= LOADS_IN else WorkerState.LOADING if age >= STARTS_IN else worker.state


def device_id(node_id: int, index: int) -> int:
    return 100 * node_id + index
