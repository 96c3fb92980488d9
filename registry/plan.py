"""What the control plane does next: `plan()` is pure, from a snapshot of the rows to a list of actions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Protocol

from registry.placement import DeviceView, Placement, Request, Unplaceable, place
from registry.states import ACTIVE, Order, WorkerState

BUDGET_WINDOW = timedelta(minutes=10)
BACKOFF_CAP_S = 300
START_TIMEOUT = timedelta(seconds=60)
IGNORED = f"the node's agent did not take the launch on within {START_TIMEOUT.seconds} s; is it running?"


class Budget(Protocol):
    """What decides whether a failure still counts."""

    @property
    def revision_id(self) -> int: ...

    @property
    def restart_budget(self) -> int: ...

    @property
    def renewed_at(self) -> datetime: ...


@dataclass(frozen=True, slots=True)
class DeploymentView:
    """A deployment as the plan sees it; `replicas` is 0 while it is paused."""

    id: int
    name: str
    replicas: int
    revision_id: int
    request: Request
    restart_budget: int
    renewed_at: datetime
    changed_by: str


@dataclass(frozen=True, slots=True)
class WorkerView:
    """A launch as the plan sees it: the active ones, ended ones that hold claims, and the newest of each replica."""

    id: int
    deployment_id: int
    revision_id: int
    replica: int
    attempt: int
    state: WorkerState
    order: Order
    created_at: datetime
    state_changed_at: datetime
    window_started_at: datetime | None = None
    ended_at: datetime | None = None
    launching_at: datetime | None = None
    exited_at: datetime | None = None
    exit_reason: str = ""
    exit_witnessed: bool = True
    reason: str = ""
    holds_claims: bool = False

    @property
    def active(self) -> bool:
        return self.state in ACTIVE

    @property
    def has_process(self) -> bool:
        return self.launching_at is not None and self.exited_at is None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything that a plan may depend on, the clock included."""

    now: datetime
    deployments: Sequence[DeploymentView]
    workers: Sequence[WorkerView]
    devices: Sequence[DeviceView]


@dataclass(frozen=True, slots=True)
class Create:
    """A new launch of a replica."""

    deployment: DeploymentView
    replica: int
    attempt: int
    window_started_at: datetime | None
    outcome: Placement | Unplaceable


@dataclass(frozen=True, slots=True)
class Place:
    """A waiting launch gets its devices, or the present reason why it does not."""

    worker_id: int
    outcome: Placement | Unplaceable


@dataclass(frozen=True, slots=True)
class Command:
    """A running launch is to drain or to stop."""

    worker_id: int
    order: Order
    reason: str


@dataclass(frozen=True, slots=True)
class End:
    """A launch is over."""

    worker_id: int
    state: WorkerState
    reason: str


@dataclass(frozen=True, slots=True)
class Release:
    """The process is gone, so are its claims."""

    worker_id: int


Action = Create | Place | Command | End | Release


@dataclass(slots=True)
class _Room:
    """The devices, with what this very plan has given away already."""

    devices: dict[int, DeviceView] = field(default_factory=dict)

    def take(self, request: Request) -> Placement | Unplaceable:
        outcome = place(request, list(self.devices.values()))
        if isinstance(outcome, Placement):
            for device_id, size in outcome.claims:
                device = self.devices[device_id]
                self.devices[device_id] = replace(device, claimed=device.claimed + size)
        return outcome


def plan(snapshot: Snapshot) -> list[Action]:
    """The actions that bring the rows nearer to what is desired. Endings first, because they make room."""
    deployments = {deployment.id: deployment for deployment in snapshot.deployments}
    actions: list[Action] = []
    standing: list[WorkerView] = []
    for worker in snapshot.workers:
        deployment = deployments[worker.deployment_id]
        decided = list(_settle(worker, deployment, snapshot.now))
        actions += decided
        standing.append(_after(worker, decided, snapshot.now))
    room = _Room({device.id: device for device in snapshot.devices})
    by_slot = _newest_by_slot(standing)
    for deployment in snapshot.deployments:
        for replica in range(deployment.replicas):
            newest = by_slot.get((deployment.id, replica))
            actions += _fill(deployment, replica, newest=newest, room=room, now=snapshot.now)
    return actions


def backoff_s(failures: int) -> int:
    """Seconds to wait after so many failures in the window: 1, 2, 4 … 300."""
    return min(BACKOFF_CAP_S, 1 << max(0, failures - 1))


def failures(worker: WorkerView, deployment: Budget) -> tuple[int, datetime | None]:
    """How many failures count with this launch, and since when. Restarts and new revisions forgive earlier ones."""
    forgiven = worker.created_at < deployment.renewed_at or worker.revision_id != deployment.revision_id
    return (0, None) if forgiven or worker.state != WorkerState.FAILED else _failures(worker)


def gave_up(worker: WorkerView, deployment: Budget) -> bool:
    """Whether this failed launch was the last that the budget allows; only an operator's act begins anew."""
    count, _ = failures(worker, deployment)
    return count > 0 and count >= deployment.restart_budget


def retry_in(worker: WorkerView, count: int, now: datetime) -> timedelta:
    """How long to wait still after so many failures; zero: now."""
    due = (worker.ended_at or now) + timedelta(seconds=backoff_s(count))
    return max(due - now, timedelta())


def _settle(worker: WorkerView, deployment: DeploymentView, now: datetime) -> Iterator[Action]:
    """What is due for one launch by itself: its end, the release of its claims, an order to go."""
    untouched = worker.launching_at is None
    if worker.holds_claims and not worker.active and not worker.has_process:
        yield Release(worker.id)
    if not worker.active:
        return
    if worker.exited_at is not None:
        yield _ended(worker)
    elif (reason := _unwanted(worker, deployment)) and worker.order == Order.RUN:
        yield End(worker.id, WorkerState.STOPPED, reason) if untouched else Command(worker.id, Order.DRAIN, reason)
    elif worker.order != Order.RUN and untouched:
        yield End(worker.id, WorkerState.STOPPED, worker.reason)
    elif worker.state == WorkerState.STARTING and untouched and now - worker.state_changed_at > START_TIMEOUT:
        yield End(worker.id, WorkerState.FAILED, IGNORED)


def _ended(worker: WorkerView) -> End:
    if worker.order == Order.RUN:
        # A machine that went down is not the model's fault: LOST does not count against the budget.
        return End(worker.id, WorkerState.FAILED if worker.exit_witnessed else WorkerState.LOST, worker.exit_reason)
    return End(worker.id, WorkerState.STOPPED, worker.reason)


def _unwanted(worker: WorkerView, deployment: DeploymentView) -> str:
    who = deployment.changed_by or "an operator"
    if worker.replica >= deployment.replicas:
        return f"{who} stopped the deployment" if not deployment.replicas else f"{who} scaled to {deployment.replicas}"
    if worker.created_at < deployment.renewed_at:
        return f"{who} asked for a restart"
    if worker.revision_id != deployment.revision_id:
        return f"{who} changed the options"
    return ""


def _after(worker: WorkerView, actions: Sequence[Action], now: datetime) -> WorkerView:
    """The launch as it will stand when these actions are done."""
    for action in actions:
        if isinstance(action, End):
            worker = replace(worker, state=action.state, ended_at=now, reason=action.reason)
        elif isinstance(action, Command):
            worker = replace(worker, order=action.order)
    return worker


def _newest_by_slot(workers: Sequence[WorkerView]) -> dict[tuple[int, int], WorkerView]:
    newest: dict[tuple[int, int], WorkerView] = {}
    for worker in sorted(workers, key=lambda worker: worker.id):
        newest[worker.deployment_id, worker.replica] = worker
    return newest


def _fill(
    deployment: DeploymentView, replica: int, *, newest: WorkerView | None, room: _Room, now: datetime
) -> Iterator[Action]:
    """The replica's next launch, when it has none that runs and it is time."""
    if newest is not None and newest.active and newest.order == Order.RUN:
        if newest.state == WorkerState.PENDING:
            yield Place(newest.id, room.take(deployment.request))
        return
    count, window_started_at = failures(newest, deployment) if newest is not None else (0, None)
    if newest is not None and count and (gave_up(newest, deployment) or retry_in(newest, count, now)):
        return
    yield Create(deployment, replica, count, window_started_at, room.take(deployment.request))


def _failures(worker: WorkerView) -> tuple[int, datetime | None]:
    """How many failures the window holds with this one, and when it began; an old window is forgotten."""
    begun, ended = worker.window_started_at, worker.ended_at
    if begun is None or ended is None or ended - begun > BUDGET_WINDOW:
        return 1, ended
    return worker.attempt + 1, begun
