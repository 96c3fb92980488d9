"""The heartbeat function in the database."""

from __future__ import annotations

import json
from uuid import UUID, uuid4

import pytest
from django.db import IntegrityError, connection

from inference.protocol.beat import BEAT_SQL, STEADY_FIELDS, STEADY_SQL
from registry.models import Event, Worker
from registry.states import BEATING, Order, WorkerState
from registry.tokens import worker_token
from tests.registry import factories

pytestmark = [pytest.mark.database, pytest.mark.django_db]


@pytest.fixture
def launch() -> Worker:
    """A worker that the agent has just started."""
    on = factories.device(factories.node())
    return factories.worker(factories.deployment("echo"), on, state=WorkerState.STARTING, heartbeat_at=None)


def beat(launch_id: UUID, token: str = "", **report: object) -> str | None:
    with connection.cursor() as cursor:
        cursor.execute(BEAT_SQL, [launch_id, token or worker_token(launch_id), json.dumps(report)])
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


def test_another_launch_s_token_is_nobody_s(launch: Worker) -> None:
    assert beat(launch.launch_id, worker_token(uuid4()), state="READY") is None
    launch.refresh_from_db()
    assert (launch.state, launch.heartbeat_at) == ("STARTING", None)


def test_a_late_report_does_not_bring_a_state_back(launch: Worker) -> None:
    beat(launch.launch_id, state="READY")
    beat(launch.launch_id, state="LOADING", progress=10)
    launch.refresh_from_db()
    assert launch.state == "READY"


def test_a_failure_keeps_its_reason_and_ends_the_launch(launch: Worker) -> None:
    beat(launch.launch_id, state="FAILED", reason="config.json is missing", cause="files_missing", hint="Copy it.")
    launch.refresh_from_db()
    assert (launch.state, launch.reason) == ("FAILED", "config.json is missing")
    assert (launch.cause, launch.hint) == ("files_missing", "Copy it.")
    assert launch.ended_at is not None


def test_what_the_engine_can_do_is_known_with_its_readiness(launch: Worker) -> None:
    beat(launch.launch_id, state="LOADING", address="http://127.0.0.1:1234")
    beat(launch.launch_id, state="READY", capabilities=["chat"], context_length=512, capacity=8)
    launch.refresh_from_db()
    assert launch.capacity == 8
    assert (launch.address, launch.capabilities, launch.context_length) == ("http://127.0.0.1:1234", ["chat"], 512)


def test_a_stall_lasts_until_a_beat_without_one(launch: Worker) -> None:
    beat(launch.launch_id, state="READY", stalled_s=12.5)
    launch.refresh_from_db()
    assert launch.stalled_s == 12.5
    beat(launch.launch_id, state="READY")
    launch.refresh_from_db()
    assert launch.stalled_s == 0


def test_a_draining_worker_keeps_the_reason_of_its_order(launch: Worker) -> None:
    beat(launch.launch_id, state="READY")
    Worker.objects.update(order=Order.DRAIN, reason="ada stopped the deployment")
    beat(launch.launch_id, state="DRAINING")
    launch.refresh_from_db()
    assert launch.reason == "ada stopped the deployment"


def test_a_steady_beat_is_for_the_state_that_the_row_has(launch: Worker) -> None:
    def steady(state: str, token: str) -> str | None:
        with connection.cursor() as cursor:
            cursor.execute(STEADY_SQL, [launch.launch_id, token, state, 1, 2, 3, 4.5, 0.0, 6, 7])
            order: str | None = cursor.fetchone()[0]
        return order

    token = worker_token(launch.launch_id)
    beat(launch.launch_id, state="READY")
    assert [steady("READY", token), steady("LOADING", token), steady("READY", worker_token(uuid4()))] == [
        "run",
        None,
        None,
    ]
    Worker.objects.update(order=Order.DRAIN)
    assert steady("READY", token) == "drain"
    launch.refresh_from_db()
    assert (launch.in_flight, launch.tokens_per_second, launch.memory_peak_bytes) == (1, 4.5, 7)


def test_a_steady_beat_stays_on_its_page() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT attname FROM pg_attribute WHERE attrelid = 'registry_worker'::regclass AND attnum = ANY("
            "SELECT unnest(indkey) FROM pg_index WHERE indrelid = 'registry_worker'::regclass)"
        )
        indexed = {name for (name,) in cursor.fetchall()}
    assert "launch_id" in indexed
    assert not indexed & {"heartbeat_at", *STEADY_FIELDS - {"state"}}


@pytest.mark.parametrize("state", sorted(BEATING | {WorkerState.PLACED}))
def test_a_placed_worker_has_a_node(state: WorkerState) -> None:
    with pytest.raises(IntegrityError, match="without a node"):
        factories.worker(factories.deployment("lonely"), state=state)
