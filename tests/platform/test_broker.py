"""The queues in Postgres: a message wakes who waits for it, and nothing else does."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from celery import current_app
from django.db import connection
from kombu import Connection, Consumer, Queue

from modelyard import broker

pytestmark = [pytest.mark.database, pytest.mark.django_db(transaction=True)]

QUEUE = Queue("trial", routing_key="trial")


@pytest.fixture
def line() -> Iterator[Connection]:
    """A consumer's connection, by the way that Celery goes."""
    with current_app.connection_for_read() as opened:
        assert isinstance(opened.transport, broker.Transport)
        opened.declared = []
        with Consumer(opened, [QUEUE], callbacks=[lambda body, message: (opened.declared.append(body), message.ack())]):
            yield opened


def drained(line: Connection, timeout: float) -> list[Any]:
    """What came within so many seconds."""
    line.declared.clear()
    try:
        line.drain_events(timeout=timeout)
    except TimeoutError:
        return []
    return list(line.declared)


def send(body: str) -> None:
    with current_app.connection_for_write() as opened:
        opened.Producer().publish(body, routing_key="trial", declare=[QUEUE])


def test_a_message_wakes_a_consumer_that_sleeps(line: Connection) -> None:
    assert drained(line, 0.1) == []
    sender = threading.Timer(0.3, send, ["hello"])
    sender.start()
    begun = time.monotonic()
    assert drained(line, 30) == ["hello"]
    assert time.monotonic() - begun < broker.LOOK_S  # else it was found by looking, not by being told
    sender.join()


def test_what_was_sent_before_anybody_listened_is_found_and_all_of_it(line: Connection) -> None:
    for body in ("one", "two", "three"):
        send(body)
    assert drained(line, 5) == ["one", "two", "three"]
    assert drained(line, 0.1) == []


def test_a_consumer_whose_connections_were_cut_goes_on(line: Connection) -> None:
    assert drained(line, 0.1) == []
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN \"pgmq.q_trial%'"
        )
        assert cursor.rowcount == 1
    send("still here")
    assert drained(line, 10) == ["still here"]
    assert line.connected


def test_a_database_that_does_not_answer_is_no_connection(line: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(used: object) -> None:
        raise psycopg.OperationalError

    monkeypatch.setattr(line.transport._get_pgmq_client().pool, "check_connection", away)
    assert not line.connected
