"""What becomes of limits while the database is away, and while it is only busy."""

from __future__ import annotations

import asyncio
import os
import signal
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import psycopg
import pytest
from asgiref.sync import sync_to_async
from breaking_off import break_off
from django.db import connection
from gateway_rig import model

from inference.protocol.chat import ChatCompletionRequest
from inference.protocol.errors import ApiError
from openai_api.board import Board, Snapshot
from openai_api.call import Call
from openai_api.caller import Caller
from openai_api.limits import holding, rows
from openai_api.limits.facts import read_limits
from openai_api.limits.holding import Limits
from openai_api.models import Limit, LimitCounter, Reservation
from openai_api.refresher import connection_parameters
from registry.models import Model

pytestmark = [pytest.mark.database, pytest.mark.django_db(transaction=True)]

BODY: dict[str, Any] = {"model": "echo", "messages": [{"role": "user", "content": "x"}], "max_tokens": 5}
USED = 15


@pytest.fixture
def connected(transactional_db: None) -> Iterator[None]:
    """The thread that empties the tables finds a connection that was not broken off."""
    yield
    connection.close()


@pytest.fixture
async def limits(connected: None, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Limits]:
    """Five requests a minute, and some tokens a day, for everybody together."""
    monkeypatch.setattr(holding, "LOOK_AGAIN_S", 0.05)
    board = Board()
    board.update(Snapshot(limits=await sync_to_async(_limited)()))
    made = Limits(board)
    yield made
    await made.close()
    await sync_to_async(hang_up)()


def _limited() -> Any:
    Limit.objects.create(model=Model.objects.create(name="echo"), requests_per_minute=5, tokens_per_day=100_000)
    return read_limits()


def hang_up() -> None:
    connection.close()  # looked up here: the queries of a test run in a thread of their own


async def ask(limits: Limits) -> int:
    """How a request that takes `USED` tokens ends."""
    call = Call(model("echo"), "chat", BODY, ChatCompletionRequest.parse(BODY), Caller(), "r")
    try:
        await limits.hold(call)
    except ApiError as error:
        return int(error.status)
    await limits.settle(call.id, USED)
    return 200


async def counted() -> tuple[float, int]:
    """Requests that are left, and tokens of the day."""
    row = await sync_to_async(LimitCounter.objects.get)()
    return row.requests_left or 0.0, row.day_tokens


async def is_back(limits: Limits) -> None:
    async with asyncio.timeout(20):
        while limits.away or limits.owes:  # noqa: ASYNC110 - it looks at a side task
            await asyncio.sleep(0.01)


async def test_limits_hold_in_each_process_while_the_database_is_away_and_it_is_told_later(
    limits: Limits, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rows, "CONNECT_S", 0.5)
    await sync_to_async(break_off)(connectable=False)
    try:
        assert Counter(await asyncio.gather(*(ask(limits) for _ in range(8)))) == {200: 5, 429: 3}
        assert (limits.away, limits.owes) == (True, True)
    finally:
        await sync_to_async(break_off)(connectable=True)
    await is_back(limits)
    left, tokens = await counted()
    assert (left < 1, tokens) == (True, 5 * USED)
    assert await ask(limits) == 429


@contextmanager
def everything_locked() -> Iterator[psycopg.Connection[Any]]:
    """Somebody has the counters, and does not let go."""
    with psycopg.connect(**connection_parameters()) as other:
        other.execute("SELECT 1 FROM openai_api_limitcounter FOR UPDATE")
        yield other


async def test_a_database_that_is_busy_is_waited_for_and_lets_nobody_through_uncounted(
    limits: Limits, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rows, "OPTIONS", "-c lock_timeout=300")
    monkeypatch.setattr(rows, "TURN_S", 0.1)
    assert await ask(limits) == 200
    with everything_locked():
        # Four wait for the lock, the others for one of these four: all are told to come again.
        assert Counter(await asyncio.gather(*(ask(limits) for _ in range(8)))) == {503: 8}
    assert not limits.away
    monkeypatch.setattr(rows, "TURN_S", 10.0)
    assert Counter(await asyncio.gather(*(ask(limits) for _ in range(8)))) == {200: 4, 429: 4}
    assert (await counted())[1] == 5 * USED


async def test_a_server_that_stands_still_is_away_and_what_it_did_later_is_settled(
    limits: Limits, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rows, "ANSWER_S", 0.3)
    # The server first ends what it was at; then it is told what became of that.
    monkeypatch.setattr(holding, "LOOK_AGAIN_S", 0.7)
    assert await ask(limits) == 200
    backends = await sync_to_async(_backends)()
    _send(signal.SIGSTOP, backends)
    try:
        assert await ask(limits) == 200
        assert limits.away
    finally:
        _send(signal.SIGCONT, backends)
    await is_back(limits)
    assert (await counted())[1] == 2 * USED
    assert not await sync_to_async(Reservation.objects.exists)()


async def test_a_client_that_leaves_while_it_is_counted_leaves_nothing_behind(limits: Limits) -> None:
    assert await ask(limits) == 200
    call = Call(model("echo"), "chat", BODY, ChatCompletionRequest.parse(BODY), Caller(), "r")
    with everything_locked() as other:
        task = asyncio.create_task(limits.hold(call))
        await asyncio.sleep(0)
        async with asyncio.timeout(5):
            while not await sync_to_async(_waiting)():  # noqa: ASYNC110 - it looks at the database
                await asyncio.sleep(0.01)
        task.cancel()
        other.rollback()
        await asyncio.wait([task])
    await limits.settle(call.id, 0)
    assert task.cancelled()
    assert ((await counted())[1], await sync_to_async(Reservation.objects.exists)()) == (USED, False)


def _waiting() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%_reserve%'")
        return cursor.fetchone() is not None


def _backends() -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pid FROM pg_stat_activity WHERE application_name = 'modelyard-web-limits'")
        return [pid for (pid,) in cursor.fetchall()]


def _send(number: int, pids: list[int]) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):  # one of an earlier test, which ends just now
            os.kill(pid, number)
