"""The pages' threads with connections of their own."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from django import db

from pages import database

pytestmark = [pytest.mark.database, pytest.mark.django_db(transaction=True)]


@pytest_asyncio.fixture(autouse=True)
async def closed() -> AsyncIterator[None]:
    """Connections that stay open would keep the test's database."""
    yield
    await database.close()


def backend() -> int:
    with db.connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return int(cursor.fetchone()[0])


def end(pid: int) -> None:
    with db.connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])


async def test_a_connection_stays_open_and_nobody_waits_for_another() -> None:
    meet = threading.Barrier(2, timeout=10)
    pids = [await database.run(about, backend) for about in (1, 2, 1, 2)]
    assert (pids[0], pids[1]) == (pids[2], pids[3])
    assert pids[0] != pids[1]
    await asyncio.gather(database.run(1, meet.wait), database.run(2, meet.wait))


async def test_what_is_about_the_same_is_done_in_order() -> None:
    done: list[str] = []

    def slowly(name: str, seconds: float) -> None:
        time.sleep(seconds)
        done.append(name)

    await asyncio.gather(database.run("one", slowly, "first", 0.05), database.run("one", slowly, "second", 0))
    assert done == ["first", "second"]


async def test_a_connection_that_was_lost_is_opened_again() -> None:
    lost = await database.run(1, backend)
    await database.run(2, end, lost)
    assert await database.run(1, backend) != lost


async def test_one_that_breaks_in_the_middle_is_told_and_the_next_work_goes_on() -> None:
    with pytest.raises(db.OperationalError):
        await database.run(1, lambda: end(backend()))
    assert await database.run(1, backend)


async def test_a_closed_loop_leaves_no_connection() -> None:
    pid = await database.run(1, backend)
    await database.close()
    there = "SELECT count(*) FROM pg_stat_activity WHERE pid = %s"

    def gone() -> bool:
        with db.connection.cursor() as cursor:
            cursor.execute(there, [pid])
            return cursor.fetchone()[0] == 0

    deadline = time.monotonic() + 5
    while not await database.run(1, gone):
        assert time.monotonic() < deadline
