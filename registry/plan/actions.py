"""What a plan can ask for. Each is carried out by `registry.actions`, fenced against whoever was faster."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from registry.placement import Placement, Unplaceable
from registry.plan.views import DeploymentView
from registry.states import Order, WorkerState


@dataclass(frozen=True, slots=True)
class Create:
    """A new launch of a replica; `replaces` names the worker that serves until this one is ready."""

    deployment: DeploymentView
    replica: int
    attempt: int
    window_started_at: datetime | None
    outcome: Placement | Unplaceable
    replaces: int | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """A waiting launch gets its devices, or the present reason why it does not."""

    worker_id: int
    outcome: Placement | Unplaceable


@dataclass(frozen=True, slots=True)
class Promote:
    """A successor has the replica to itself: its predecessor goes, or is gone."""

    worker_id: int


@dataclass(frozen=True, slots=True)
class Command:
    """A running launch is to drain or to stop."""

    worker_id: int
    order: Order
    reason: str


@dataclass(frozen=True, slots=True)
class End:
    """A launch is over. `kill`: its process may still live and is to be killed by the node's agent."""

    worker_id: int
    state: WorkerState
    reason: str
    cause: str = ""
    hint: str = ""
    kill: bool = False


@dataclass(frozen=True, slots=True)
class Release:
    """The process is gone, so are its claims."""

    worker_id: int


@dataclass(frozen=True, slots=True)
class NodeLost:
    """A node's agent is silent."""

    node_id: int
    silence: timedelta


@dataclass(frozen=True, slots=True)
class NodeBack:
    """A lost node's agent beats again."""

    node_id: int
    away: timedelta


@dataclass(frozen=True, slots=True)
class Alarm:
    """Something is wrong that no action of ours makes good; an empty text takes the alarm back."""

    text: str


Action = Create | Place | Promote | Command | End | Release | NodeLost | NodeBack | Alarm
