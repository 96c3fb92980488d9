"""Calls that meet in Postgres: all of them wait for the same rows, and are let go together."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from django.db import connection, connections, transaction

WAITING = """
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event_type = 'Lock' AND state = 'active'
"""
WITHIN_S = 20


@contextmanager
def at_once(hold: Callable[[], Any]) -> Iterator[Callable[..., Future[Any]]]:
    """`hold` locks rows that the calls need. Each call has a thread and a connection of its own."""
    begun: list[Future[Any]] = []

    def race(work: Callable[..., Any], *given: Any, **more: Any) -> Future[Any]:
        begun.append(threads.submit(_closing, work, *given, **more))
        return begun[-1]

    with ThreadPoolExecutor() as threads, transaction.atomic():
        hold()
        yield race
        _until_waiting(len(begun))


def _closing(work: Callable[..., Any], *given: Any, **more: Any) -> Any:
    try:
        return work(*given, **more)
    finally:
        connections.close_all()


def _until_waiting(calls: int) -> None:
    deadline = time.monotonic() + WITHIN_S
    with connection.cursor() as cursor:
        while True:
            cursor.execute("SELECT pg_stat_clear_snapshot()")  # within a transaction it would look once
            cursor.execute(WAITING)
            if cursor.fetchone() == (calls,):
                return
            assert time.monotonic() < deadline, "the calls do not wait for what is held"
            time.sleep(0.01)
