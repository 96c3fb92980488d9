"""Views for tests of the plan: a deployment with one healthy replica, from which each test departs."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from registry.placement import DeviceView, Request
from registry.plan import Action, DeploymentView, NodeView, Snapshot, WorkerView, plan
from registry.states import Order, WorkerState

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
GIB = 2**30
CPU = DeviceView(id=1, node_id=1, node="a", index=0, kind="cpu", total=16 * GIB, claimed=0)
NODE = NodeView(id=1, name="a", last_seen_at=NOW)
CHAT = DeploymentView(
    id=1,
    name="chat",
    replicas=1,
    revision_id=1,
    launch_key="one",
    request=Request(bytes=4 * GIB),
    restart_budget=5,
    renewed_at=NOW - timedelta(hours=1),
    changed_by="ada",
)


def worker(state: WorkerState = WorkerState.READY, **changes: object) -> WorkerView:
    view = WorkerView(
        id=1,
        deployment_id=1,
        launch_key="one",
        replica=0,
        attempt=0,
        state=state,
        order=Order.RUN,
        created_at=NOW - timedelta(minutes=30),
        state_changed_at=NOW - timedelta(minutes=1),
        ordered_at=NOW - timedelta(seconds=1),
        launching_at=NOW - timedelta(minutes=30),
        node_id=1,
        heartbeat_at=NOW,
    )
    return replace(view, **changes)  # type: ignore[arg-type]


def planned(
    *workers: WorkerView,
    deployment: DeploymentView = CHAT,
    devices: tuple[DeviceView, ...] = (CPU,),
    nodes: tuple[NodeView, ...] = (NODE,),
    **world: object,
) -> list[Action]:
    snapshot = Snapshot(now=NOW, deployments=[deployment], workers=workers, devices=devices, nodes=nodes)
    return plan(replace(snapshot, **world))  # type: ignore[arg-type]
