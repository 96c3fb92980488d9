"""The heartbeat's thread, beating into a sender of the test's own."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from uuid import uuid4

import psycopg
import pytest

from inference.errors import BeatFailed
from inference.heartbeat import Heart, Heartbeat, PostgresSender
from inference.protocol.beat import Order, Report, WorkerState

Answer = Order | None | Exception


class Database:
    """Receives reports and gives the answers it was told, the last one for ever."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = deque(answers or (Order.RUN,))
        self.reports: list[Report] = []
        self.closed = False

    def send(self, report: Report) -> Order | None:
        self.reports.append(report)
        answer = self.answers.popleft() if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def close(self) -> None:
        self.closed = True


class Beating:
    """A heartbeat that runs in a thread."""

    def __init__(self, database: Database, interval_s: float) -> None:
        self.database = database
        self.report: Report = {"state": WorkerState.LOADING}
        self.orders: list[Order | None] = []
        self.heartbeat = Heartbeat(Heart(lambda: self.report, database, self.orders.append), interval_s)

    def until(self, holds: Callable[[], bool], *, within_s: float = 5.0) -> None:
        deadline = time.monotonic() + within_s
        while not holds():
            assert time.monotonic() < deadline, "waited in vain"
            time.sleep(0.002)


@contextmanager
def beating(*answers: Answer, interval_s: float = 60.0) -> Iterator[Beating]:
    it = Beating(Database(*answers), interval_s)
    thread = threading.Thread(target=it.heartbeat.run)
    thread.start()
    try:
        yield it
    finally:
        it.heartbeat.finish(0.0)
        thread.join(5)
        assert not thread.is_alive()


def test_it_beats_at_once_and_then_every_interval() -> None:
    with beating(interval_s=0.01) as it:
        it.until(lambda: len(it.database.reports) >= 3)
    assert it.database.closed


def test_a_change_of_state_does_not_wait_for_the_next_tick() -> None:
    with beating(interval_s=60.0) as it:
        it.until(lambda: len(it.orders) == 1)
        it.report = {"state": WorkerState.READY}
        it.heartbeat.beat_now()
        it.until(lambda: len(it.orders) == 2)
    assert [report["state"] for report in it.database.reports[:2]] == ["LOADING", "READY"]


@pytest.mark.parametrize("order", [Order.DRAIN, Order.STOP, None])
def test_the_answer_to_a_beat_is_obeyed(order: Order | None) -> None:
    with beating(order) as it:
        it.until(lambda: it.orders == [order])


def test_a_database_that_is_away_is_tried_again_and_complained_about_once(caplog: pytest.LogCaptureFixture) -> None:
    away = BeatFailed("connection refused")
    with caplog.at_level(logging.INFO), beating(away, away, away, Order.RUN, interval_s=0.005) as it:
        it.until(lambda: len(it.orders) >= 2)
    assert caplog.text.count("connection refused") == 1
    assert caplog.text.count("arrive again") == 1


def test_the_last_report_is_tried_until_it_arrives() -> None:
    away = BeatFailed("connection refused")
    it = Beating(Database(Order.RUN, away, away, Order.RUN), 0.01)
    it.report = {"state": WorkerState.FAILED, "reason": "broken"}
    it.heartbeat.finish(5.0)
    it.heartbeat.run()
    assert it.database.reports[-1]["reason"] == "broken"
    assert it.database.closed


def test_the_last_report_is_given_up_in_time() -> None:
    it = Beating(Database(BeatFailed("away")), 0.01)
    it.heartbeat.finish(0.05)
    started = time.monotonic()
    it.heartbeat.run()
    assert time.monotonic() - started < 2
    assert len(it.database.reports) > 1


def test_a_bug_ends_the_thread_with_its_error() -> None:
    it = Beating(Database(ZeroDivisionError("a bug")), 0.01)
    with pytest.raises(ZeroDivisionError):
        it.heartbeat.run()
    assert it.database.closed


def test_a_database_that_refuses_is_a_failed_beat_and_the_password_stays_hidden() -> None:
    sender = PostgresSender("postgresql://u:hidden@127.0.0.1:1/db", uuid4(), token="t")
    with pytest.raises(BeatFailed) as caught:
        sender.send({"state": WorkerState.READY})
    assert "hidden" not in str(caught.value)
    assert isinstance(caught.value.__cause__, psycopg.OperationalError)
