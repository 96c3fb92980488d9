"""The counters in Postgres, by one statement each, over a few connections of the event loop's own."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from django.conf import settings
from psycopg_pool import AsyncConnectionPool

from openai_api.limits.arithmetic import Measure, Need
from openai_api.refresher import connection_parameters

HOLD_S = 45.0  # a process that died gives its seats back after this
CONNECTIONS = 4
# Waiting for a connection: with two hundred requests at once some do.
POOL_S = 5.0
OPTIONS = "-c statement_timeout=5000 -c lock_timeout=5000"

RESERVE = "SELECT * FROM modelyard_reserve(%s, %s, %s, %s, %s)"
SETTLE = "SELECT modelyard_settle(%s, %s, %s)"
OWE = "SELECT modelyard_owe(%s, %s, %s, %s)"
RENEW = "SELECT modelyard_renew(%s, %s)"


class Rows:
    """All raise `psycopg.Error`, of which `PoolTimeout` is one, when Postgres is away."""

    def __init__(self) -> None:
        self._pool: AsyncConnectionPool[Any] | None = None

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
        pool = await self._opened()
        async with pool.connection() as connection:
            cursor = await connection.execute(statement, values)
            return list(await cursor.fetchall())

    async def _opened(self) -> AsyncConnectionPool[Any]:
        if self._pool is None:
            keywords = {**connection_parameters(), "autocommit": True, "connect_timeout": 2, "options": OPTIONS}
            self._pool = AsyncConnectionPool(
                kwargs=keywords | {"application_name": "modelyard-web-limits"},
                min_size=1,
                max_size=CONNECTIONS,
                timeout=POOL_S,
                open=False,
                name="limits",
            )
            await self._pool.open(wait=False)
        return self._pool
