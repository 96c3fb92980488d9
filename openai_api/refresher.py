"""Keeps a gateway up to date: reads the rows every second, and at once when the database says that some changed."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
from django import db
from psycopg import sql

from openai_api.board import Snapshot, read_snapshot
from openai_api.keys import mark_used
from registry.lifecycle import CHANNEL

logger = logging.getLogger(__name__)

INTERVAL_S = 0.9  # with the reading less than a second, which revoked keys may work on
SMALLEST_GAP_S = 0.05  # a burst of changes is read once
RECONNECT_S = 1.0
KEYWORDS = {"NAME": "dbname", "USER": "user", "PASSWORD": "password", "HOST": "host", "PORT": "port"}


class Refresher:
    """Two side tasks of a gateway: `poll` and `listen`. While Postgres is away everything stays as it was."""

    def __init__(self, update: Callable[[Snapshot], None], *, used_keys: Callable[[], Iterable[int]]) -> None:
        self._update = update
        self._used_keys = used_keys
        self._nudged = asyncio.Event()
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
            try:
                await asyncio.wait_for(self._nudged.wait(), INTERVAL_S - SMALLEST_GAP_S)
            except TimeoutError:
                continue

    async def _listen(self) -> None:
        while True:
            try:
                async with await _connect() as connection:
                    await connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(CHANNEL)))
                    self._nudged.set()  # for what changed while nobody listened
                    await self._hear(connection)
            except (psycopg.Error, OSError) as error:
                logger.debug("Not listening: %s", error)
            await asyncio.sleep(RECONNECT_S)

    async def _hear(self, connection: psycopg.AsyncConnection[tuple[object, ...]]) -> None:
        # Not `connection.notifies()`: that wakes ten times a second to look whether it was interrupted.
        loop, readable, socket = asyncio.get_running_loop(), asyncio.Event(), connection.fileno()
        loop.add_reader(socket, readable.set)
        try:
            while True:
                await readable.wait()
                readable.clear()
                connection.pgconn.consume_input()
                while connection.pgconn.notifies():
                    self._nudged.set()
        finally:
            loop.remove_reader(socket)

    def _note(self, *, away: bool, error: db.Error | None = None) -> None:
        if away and not self._away:
            logger.warning("The database is away (%s). Requests go on with the routes of before.", error)
        elif self._away and not away:
            logger.warning("The database is back.")
        self._away = away


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
