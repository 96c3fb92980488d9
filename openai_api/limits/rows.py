"""The counters in Postgres, by one statement each, over a few connections of the event loop's own.

A database that is busy and one that is away are told apart: the first is waited for, and then the request is refused,
since who lets it through overruns the limits of everybody; without the second each process counts by itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

import psycopg
from django.conf import settings
from psycopg import errors
from psycopg_pool import AsyncConnectionPool

from openai_api.errors import LimitsBusy
from openai_api.limits.arithmetic import Measure, Need
from openai_api.refresher import connection_parameters

HOLD_S = 45.0  # a process that died gives its seats back after this
# Requests of one limit go one after the other in any case, each for a millisecond or two.
CONNECTIONS = 4
TURN_S = 10.0  # waiting for one of them to be free: so long the database is busy, not away
CONNECT_S = 4.0
ANSWER_S = 8.0  # longer than any statement may take: then nobody is there
OPTIONS = "-c statement_timeout=4000 -c lock_timeout=4000"
# What a server says that is there and has too much to do.
BUSY = (errors.LockNotAvailable, errors.QueryCanceled, errors.DeadlockDetected, errors.SerializationFailure)

RESERVE = "SELECT * FROM modelyard_reserve(%s, %s, %s, %s, %s)"
SETTLE = "SELECT modelyard_settle(%s, %s, %s)"
OWE = "SELECT modelyard_owe(%s, %s, %s, %s)"
RENEW = "SELECT modelyard_renew(%s, %s)"


class Rows:
    """All raise `LimitsBusy` (503) when the database is busy for too long, and `psycopg.Error` when it is away."""

    def __init__(self) -> None:
        self._pool: AsyncConnectionPool[Any] | None = None
        # In front of the pool, whose own time-out does not tell whether connections are in use or cannot be made.
        self._free = asyncio.Semaphore(CONNECTIONS)

    async def reserve(self, call: UUID, limits: Sequence[int], *, tokens: int) -> list[Measure]:
        """All or nothing; the counters' clock is the database's."""
        rows = await self._rows(RESERVE, call, list(limits), tokens, HOLD_S, settings.TIME_ZONE)
        return [Measure(*row) for row in rows]

    async def settle(self, call: UUID, *, used: int) -> None:
        """Give back what was not used; twice changes nothing."""
        await self._rows(SETTLE, call, used, settings.TIME_ZONE)

    async def owe(self, limit: int, debt: Need) -> None:
        """Debit what was used while Postgres was away."""
        await self._rows(OWE, limit, debt.requests, debt.tokens, settings.TIME_ZONE)

    async def renew(self, calls: Iterable[UUID]) -> None:
        """These calls still run."""
        await self._rows(RENEW, list(calls), HOLD_S)

    async def close(self) -> None:
        """Close the connections."""
        if self._pool is not None:
            await self._pool.close()

    async def _rows(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        try:
            async with asyncio.timeout(TURN_S):
                await self._free.acquire()
        except TimeoutError:
            raise LimitsBusy from None
        # A task of its own: a client that leaves does not call back what is on its way, and a server that answers
        # nothing, not even that it cancels, is not waited for.
        task = asyncio.create_task(self._executed(statement, values))
        task.add_done_callback(self._gave_back)
        try:
            await asyncio.wait([task], timeout=ANSWER_S)
        except asyncio.CancelledError:
            # Whoever settles what was reserved here has to come after it.
            await asyncio.wait([task], timeout=ANSWER_S)
            raise
        if not task.done():
            task.cancel()
            raise psycopg.OperationalError(f"no answer for {ANSWER_S:g} s")
        return task.result()

    async def _executed(self, statement: str, values: Sequence[object]) -> list[tuple[Any, ...]]:
        pool = await self._opened()
        try:
            async with pool.connection() as connection:
                cursor = await connection.execute(statement, values)
                return list(await cursor.fetchall())
        except BUSY as error:
            raise LimitsBusy from error

    def _gave_back(self, task: asyncio.Task[list[tuple[Any, ...]]]) -> None:
        self._free.release()
        if not task.cancelled():
            task.exception()  # looked at: nobody waits for it any more when its caller left

    async def _opened(self) -> AsyncConnectionPool[Any]:
        if self._pool is None:
            keywords = {**connection_parameters(), "autocommit": True, "connect_timeout": 2, "options": OPTIONS}
            self._pool = AsyncConnectionPool(
                kwargs=keywords | {"application_name": "modelyard-web-limits"},
                min_size=1,
                max_size=CONNECTIONS,
                timeout=CONNECT_S,
                open=False,
                name="limits",
            )
            await self._pool.open(wait=False)
        return self._pool
