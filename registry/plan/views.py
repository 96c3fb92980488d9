"""The rows as the plan sees them: frozen, with the clock among them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from registry.placement import DeviceView, Request
from registry.states import ACTIVE, Order, WorkerState


@dataclass(frozen=True, slots=True)
class Limits:
    """How long each part of a worker's life may take."""

    start: timedelta = timedelta(seconds=60)
    load: timedelta = timedelta(hours=1)
    drain: timedelta = timedelta(seconds=60)
    hang: timedelta = timedelta(seconds=120)


@dataclass(frozen=True, slots=True)
class DeploymentView:
    """A deployment with its newest revision; `replicas` is 0 while it is paused."""

    id: int
    name: str
    replicas: int
    revision_id: int
    launch_key: str
    request: Request
    restart_budget: int
    renewed_at: datetime
    changed_by: str
    revision_number: int = 1
    limits: Limits = field(default_factory=Limits)


@dataclass(frozen=True, slots=True)
class Ending:
    """How a process ended, as its agent saw it. Unwitnessed: nobody watched, as when the machine went down."""

    reason: str
    cause: str = ""
    hint: str = ""
    witnessed: bool = True


@dataclass(frozen=True, slots=True)
class WorkerView:
    """A launch as the plan sees it: the active ones, ended ones that hold claims, and the newest of each replica."""

    id: int
    deployment_id: int
    launch_key: str
    replica: int
    attempt: int
    state: WorkerState
    order: Order
    created_at: datetime
    state_changed_at: datetime
    ordered_at: datetime | None = None
    replaces: int | None = None
    node_id: int | None = None
    window_started_at: datetime | None = None
    ended_at: datetime | None = None
    launching_at: datetime | None = None
    exited_at: datetime | None = None
    ending: Ending = Ending("")
    heartbeat_at: datetime | None = None
    unresponsive_since: datetime | None = None
    stalled_s: float = 0
    reason: str = ""
    claims: tuple[tuple[int, int], ...] = ()

    @property
    def active(self) -> bool:
        return self.state in ACTIVE

    @property
    def running(self) -> bool:
        """Active, and not told to go."""
        return self.active and self.order == Order.RUN

    @property
    def taken_on(self) -> bool:
        return self.launching_at is not None

    @property
    def has_process(self) -> bool:
        return self.launching_at is not None and self.exited_at is None


@dataclass(frozen=True, slots=True)
class NodeView:
    """A node as the plan sees it. `drain_deadline` is set while it is drained."""

    id: int
    name: str
    last_seen_at: datetime | None
    left_at: datetime | None = None
    lost_at: datetime | None = None
    drain_deadline: datetime | None = None
    changed_by: str = ""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything that a plan may depend on.

    `listening_since`: from when on the database and the control plane were there without a gap; silence before it
    is nobody's fault. `alarm`: the one that stands now. `files`: model paths that each node is known to have.
    """

    now: datetime
    deployments: Sequence[DeploymentView]
    workers: Sequence[WorkerView]
    devices: Sequence[DeviceView]
    nodes: Sequence[NodeView] = ()
    files: Mapping[int, frozenset[str]] = field(default_factory=dict)
    listening_since: datetime | None = None
    alarm: str = ""

    def silence(self, heard_at: datetime) -> timedelta:
        """How long nothing was heard although somebody listened."""
        return self.now - max(heard_at, self.listening_since or heard_at)
