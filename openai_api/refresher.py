"""Keeps a gateway up to date: reads the rows when the database says that some changed, and else now and then.

While nobody can tell, for the listening connection is away, it reads them every second.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import psycopg
from django import db
from psycopg import sql

from openai_api.board import Snapshot, read_snapshot
from openai_api.keys import mark_used
from registry.lifecycle import CHANNEL

logger = logging.getLogger(__name__)

INTERVAL_S = 0.9  # with the reading less than a second, which revoked keys may work on
CALM_S = 5.0  # while it is sure that changes are told; for rows that no trigger watches
SMALLEST_GAP_S = 0.05  # a burst of changes is read once
RECONNECT_S = 1.0
KEYWORDS = {"NAME": "dbname", "USER": "user", "PASSWORD": "password", "HOST": "host", "PORT": "port"}


class Refresher:
    """Two side tasks of a gateway: `poll` and `listen`. While Postgres is away everything stays as it was."""

    def __init__(self, update: Callable[[Snapshot], None], *, used_keys: Callable[[], Iterable[int]]) -> None:
        self._update = update
        self._used_keys = used_keys
        self._nudged = asyncio.Event()
        self._heard_at = -math.inf  # when it was sure last that whatever had changed was told
        self._away = False
        # A thread of its own keeps one connection open: Django's shared threads would open one each second.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="refresher")

    async def run(self) -> None:
        """Until cancelled."""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._poll())
                tasks.create_task(self._listen())
        finally:
            self._thread.submit(_hang_up)
            self._thread.shutdown(wait=False)

    async def _poll(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            self._nudged.clear()
            try:
                self._update(await loop.run_in_executor(self._thread, _read, list(self._used_keys())))
                self._note(away=False)
            except db.Error as error:
                self._note(away=True, error=error)
            await asyncio.sleep(SMALLEST_GAP_S)
            await self._until_due(loop.time())

    async def _until_due(self, read_at: float) -> None:
        clock = asyncio.get_running_loop().time
        while not self._nudged.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(self._nudged.wait(), INTERVAL_S - SMALLEST_GAP_S)
            if clock() - self._heard_at > 2 * INTERVAL_S or clock() - read_at > CALM_S:
                return

    async def _listen(self) -> None:
        while True:
            try:
                async with await _connect() as connection:
                    await connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(CHANNEL)))
                    self._nudged.set()  # for what changed while nobody listened
                    await self._hear(connection)
            except (psycopg.Error, OSError) as error:
                logger.debug("Not listening: %s", error)
            self._heard_at = -math.inf
            await asyncio.sleep(RECONNECT_S)

    async def _hear(self, connection: psycopg.AsyncConnection[tuple[object, ...]]) -> None:
        connection.add_notify_handler(lambda _: self._nudged.set())
        loop = asyncio.get_running_loop()
        while True:
            # What was told before arrives before this is answered.
            asked_at = loop.time()
            await connection.execute("SELECT 1")
            self._heard_at = asked_at
            while await _readable(connection.fileno(), within=INTERVAL_S):
                connection.pgconn.consume_input()
                while connection.pgconn.notifies():
                    self._nudged.set()
                    self._heard_at = loop.time()

    def _note(self, *, away: bool, error: db.Error | None = None) -> None:
        if away and not self._away:
            logger.warning("The database is away (%s). Requests go on with the routes of before.", error)
        elif self._away and not away:
            logger.warning("The database is back.")
        self._away = away


async def _readable(descriptor: int, *, within: float) -> bool:
    # Not `connection.notifies()`: that wakes ten times a second to look whether it was interrupted.
    loop, readable = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(descriptor, readable.set)
    try:
        await asyncio.wait_for(readable.wait(), within)
    except TimeoutError:
        return False
    finally:
        loop.remove_reader(descriptor)
    return True


def _read(used_keys: list[int]) -> Snapshot:
    try:
        if used_keys:
            mark_used(used_keys)
        return read_snapshot()
    except db.Error:
        # Whatever is left of the connection is of no use; the next turn opens another.
        db.connection.close()
        raise


def _hang_up() -> None:
    db.connection.close()  # looked up here, because each thread has its own


def connection_parameters() -> dict[str, Any]:
    """Where the database is, for connections that are not Django's."""
    settings = db.connections["default"].settings_dict
    return {keyword: settings[name] for name, keyword in KEYWORDS.items() if settings[name]}


async def _connect() -> psycopg.AsyncConnection[tuple[object, ...]]:
    return await psycopg.AsyncConnection.connect(
        **connection_parameters(), autocommit=True, connect_timeout=5, application_name="modelyard-web-listen"
    )
