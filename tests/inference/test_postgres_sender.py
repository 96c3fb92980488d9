"""The heartbeat's connection, against a real Postgres."""

from __future__ import annotations

from urllib.parse import quote
from uuid import uuid4

import psycopg
import pytest
from django.db import connection

from inference.errors import BeatFailed
from inference.heartbeat import PostgresSender
from inference.protocol.beat import WorkerState

pytestmark = [pytest.mark.database, pytest.mark.django_db]


def database_url() -> str:
    at = connection.settings_dict
    user, password = quote(at["USER"]), quote(at["PASSWORD"])
    return f"postgresql://{user}:{password}@{at['HOST']}:{at['PORT']}/{at['NAME']}"


def test_a_launch_that_the_database_does_not_know_is_superseded() -> None:
    sender = PostgresSender(database_url(), uuid4(), token="t")
    assert sender.send({"state": WorkerState.READY, "capabilities": ["chat"]}) is None
    sender.close()


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
