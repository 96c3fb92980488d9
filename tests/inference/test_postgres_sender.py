"""The heartbeat's connection, against a real Postgres."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote
from uuid import uuid4

import psycopg
import pytest
from django.db import connection
from django.db.models.functions import Now

from inference.errors import BeatFailed
from inference.heartbeat import PostgresSender
from inference.protocol.beat import Report, WorkerState
from inference.protocol.causes import Cause
from registry.models import Worker
from registry.tokens import worker_token
from tests.registry import factories

pytestmark = [pytest.mark.database, pytest.mark.django_db]


def database_url() -> str:
    at = connection.settings_dict
    user, password = quote(at["USER"]), quote(at["PASSWORD"])
    return f"postgresql://{user}:{password}@{at['HOST']}:{at['PORT']}/{at['NAME']}"


def test_a_launch_that_the_database_does_not_know_is_superseded() -> None:
    sender = PostgresSender(database_url(), uuid4(), token="t")
    assert sender.send({"state": WorkerState.READY, "capabilities": ["chat"]}) is None
    sender.close()


STEADY: Report = {
    "state": WorkerState.READY,
    "in_flight": 3,
    "requests_total": 2**40,
    "tokens_total": 7,
    "tokens_per_second": 1.5,
    "stalled_s": 0.0,
    "memory_bytes": 5,
    "memory_peak_bytes": 6,
}


@pytest.fixture
def launch() -> Worker:
    return factories.worker(
        factories.deployment(), factories.device(factories.node()), state="STARTING", in_flight=0, memory_bytes=0
    )


@pytest.fixture
def sender(launch: Worker) -> Iterator[PostgresSender]:
    made = PostgresSender(database_url(), launch.launch_id, token=worker_token(launch.launch_id))
    yield made
    made.close()


@pytest.mark.django_db(transaction=True)
def test_a_worker_that_goes_on_tells_only_its_numbers(launch: Worker, sender: PostgresSender) -> None:
    assert sender.send({**STEADY, "capabilities": ["chat"], "context_length": 512}) == "run"
    assert sender.send({**STEADY, "in_flight": 4, "capabilities": ["told again"], "context_length": 1}) == "run"
    launch.refresh_from_db()
    assert (launch.state, launch.in_flight, launch.requests_total, launch.tokens_per_second) == ("READY", 4, 2**40, 1.5)
    assert (launch.capabilities, launch.context_length) == (["chat"], 512)


@pytest.mark.django_db(transaction=True)
def test_a_change_is_told_in_full(launch: Worker, sender: PostgresSender) -> None:
    sender.send(STEADY)
    sender.send(STEADY)
    sender.send({**STEADY, "state": WorkerState.FAILED, "reason": "broken", "cause": Cause.CRASHED, "hint": "Mend it."})
    launch.refresh_from_db()
    assert (launch.state, launch.reason, launch.cause, launch.hint) == ("FAILED", "broken", "crashed", "Mend it.")


@pytest.mark.django_db(transaction=True)
def test_a_row_that_went_back_hears_everything_again(launch: Worker, sender: PostgresSender) -> None:
    sender.send({**STEADY, "capabilities": ["chat"]})
    Worker.objects.update(state="STARTING", capabilities=[])  # as a database from a backup
    assert sender.send({**STEADY, "capabilities": ["chat"]}) == "run"
    launch.refresh_from_db()
    assert (launch.state, launch.capabilities) == ("READY", ["chat"])


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("state", ["FAILED", "LOST", "STOPPED"])
def test_a_steady_worker_learns_that_it_is_superseded(launch: Worker, sender: PostgresSender, state: str) -> None:
    assert sender.send(STEADY) == "run"
    Worker.objects.update(state=state, ended_at=Now())
    assert sender.send(STEADY) is None


def test_a_broken_connection_is_one_failed_beat_and_then_a_new_connection() -> None:
    sender = PostgresSender(database_url(), uuid4(), token="t")
    sender.send({"state": WorkerState.READY})
    with psycopg.connect(database_url(), autocommit=True) as other:
        other.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'modelyard-worker'"
            " AND datname = current_database()"
        )
    with pytest.raises(BeatFailed):
        sender.send({"state": WorkerState.READY})
    assert sender.send({"state": WorkerState.READY}) is None
    sender.close()
