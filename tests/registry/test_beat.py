"""The heartbeat function in the database."""

from __future__ import annotations

import json
from uuid import UUID, uuid4

import pytest
from django.db import connection

from registry import desired
from registry.agent import registration
from registry.agent.devices import ObservedDevice
from registry.models import Event, Worker
from registry.reconciler import reconcile_once
from registry.states import Order, WorkerState

pytestmark = [pytest.mark.database, pytest.mark.django_db]

ROOMY = ObservedDevice(index=0, kind="cpu", uuid="", name="a CPU", memory_total_bytes=2**34)


@pytest.fixture
def launch() -> Worker:
    """A worker that the agent has just started."""
    registration.join("a", uuid4(), [ROOMY])
    desired.deploy(desired.Wish(name="echo", engine="echo"), actor="ada")
    reconcile_once()
    return Worker.objects.get()


def beat(launch_id: UUID, **report: object) -> str | None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT modelyard_beat(%s, %s::jsonb)", [launch_id, json.dumps(report)])
        order: str | None = cursor.fetchone()[0]
    return order


def test_a_beat_moves_the_worker_on_and_returns_the_order(launch: Worker) -> None:
    assert beat(launch.launch_id, state="LOADING", progress=40, detail="loading weights") == "run"
    launch.refresh_from_db()
    assert (launch.state, launch.progress, launch.detail) == ("LOADING", 40, "loading weights")
    assert launch.heartbeat_at is not None


def test_a_state_change_is_on_the_timeline_once(launch: Worker) -> None:
    for _ in range(3):
        beat(launch.launch_id, state="READY", address="http://127.0.0.1:1234", capabilities=["chat"])
    event = Event.objects.get(to_state="READY")
    assert (event.actor, event.subject, event.from_state, event.revision) == ("worker", "echo/0", "STARTING", 1)


def test_a_worker_learns_of_a_new_order_by_its_next_beat(launch: Worker) -> None:
    Worker.objects.update(order=Order.DRAIN)
    assert beat(launch.launch_id, state="READY") == "drain"


@pytest.mark.parametrize("state", [WorkerState.STOPPED, WorkerState.FAILED, WorkerState.LOST])
def test_an_ended_launch_is_superseded(launch: Worker, state: WorkerState) -> None:
    Worker.objects.update(state=state)
    assert beat(launch.launch_id, state="READY") is None


def test_an_unknown_launch_is_superseded() -> None:
    assert beat(uuid4(), state="READY") is None


def test_a_late_report_does_not_bring_a_state_back(launch: Worker) -> None:
    beat(launch.launch_id, state="READY")
    beat(launch.launch_id, state="LOADING", progress=10)
    launch.refresh_from_db()
    assert launch.state == "READY"


def test_a_failure_keeps_its_reason_and_ends_the_launch(launch: Worker) -> None:
    beat(launch.launch_id, state="FAILED", reason="config.json is missing")
    launch.refresh_from_db()
    assert (launch.state, launch.reason) == ("FAILED", "config.json is missing")
    assert launch.ended_at is not None


def test_a_draining_worker_keeps_the_reason_of_its_order(launch: Worker) -> None:
    beat(launch.launch_id, state="READY")
    Worker.objects.update(order=Order.DRAIN, reason="ada stopped the deployment")
    beat(launch.launch_id, state="DRAINING")
    launch.refresh_from_db()
    assert launch.reason == "ada stopped the deployment"
