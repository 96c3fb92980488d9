"""Takes rows from the spool to Postgres, twice a second, in a thread of its own."""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import orjson
from django import db
from psycopg import sql

from openai_api.models import Usage
from openai_api.usage.rows import COLUMNS, facts_of
from openai_api.usage.spool import Spool

logger = logging.getLogger(__name__)

INTERVAL_S = 0.5
IDLE_S = 2.0  # between two looks for what dead processes left, while there is nothing of our own
BATCH = 500
FLUSH_S = 5.0
PATIENCE_S = 10.0
# About a row, not about the database: too large a number, or one below zero.
Facts = dict[str, Any]
UNFIT = (db.DataError, db.IntegrityError)
_INSERT = sql.SQL(
    "INSERT INTO {table} ({columns}) SELECT {columns} FROM json_populate_recordset(NULL::{table}, %s::json) "
    "ON CONFLICT DO NOTHING"
)


class UsageWriter:
    """Side task of a gateway."""

    def __init__(self, spool: Spool) -> None:
        self._spool = spool
        self._away = False
        self._noted = 0
        self._nudged = asyncio.Event()
        self._something = asyncio.Event()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="usage")

    def note(self, line: bytes) -> None:
        """A row to be written."""
        self._spool.append(line)
        self._noted += 1
        self._something.set()
        if self._noted >= BATCH:
            self._nudged.set()

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await self._drain()
            if not self._away:
                await _until(self._something, IDLE_S)
            await _until(self._nudged, INTERVAL_S)

    async def close(self) -> None:
        """Write what there is, if Postgres takes it within some seconds; the rest stays in the spool."""
        try:
            async with asyncio.timeout(FLUSH_S):
                await self._drain()
        except TimeoutError:
            logger.warning("Postgres did not take the last usage in time; the next start writes it.")
        self._thread.submit(_hang_up)
        self._thread.submit(self._spool.close)
        self._thread.shutdown(wait=False)

    async def _drain(self) -> None:
        self._nudged.clear()
        self._something.clear()
        self._noted = 0
        draining = asyncio.get_running_loop().run_in_executor(self._thread, drain, self._spool)
        await asyncio.wait([draining], timeout=PATIENCE_S)
        if not draining.done():
            self._tell(away=True, why="the database says nothing")
        try:
            await draining
            self._tell(away=False)
        except (db.Error, OSError) as error:
            self._tell(away=True, why=str(error))

    def _tell(self, *, away: bool, why: str = "") -> None:
        if away and not self._away:
            logger.warning("Usage cannot be written now (%s). It waits in the spool.", why)
        elif self._away and not away:
            logger.warning("The usage that waited is written.")
        self._away = away


async def _until(event: asyncio.Event, most_s: float) -> None:
    with suppress(TimeoutError):
        await asyncio.wait_for(event.wait(), most_s)


def drain(spool: Spool) -> None:
    """Write everything that waits, of dead processes too. Raises `db.Error`; then the rest waits on."""
    try:
        lines = spool.take_unspooled()
        try:
            _insert(lines)
        except db.Error:
            spool.put_back(lines)
            raise
        # Sealed twice, since the first ones may be of before, from when Postgres was away.
        for _ in range(2):
            _write_segments(spool.sealed())
        for segments in spool.orphans():
            _write_segments(segments)
    except db.Error:
        # Whatever is left of the connection is of no use; the next turn opens another.
        db.connection.close()
        raise


def _write_segments(segments: Iterable[Path]) -> None:
    for segment in segments:
        with segment.open("rb") as lines:
            _insert(lines)
        segment.unlink(missing_ok=True)


def _insert(lines: Iterable[bytes]) -> None:
    rows = _readable(lines)
    while batch := list(itertools.islice(rows, BATCH)):
        try:
            _write(batch)
        except UNFIT:
            _insert_singly(batch)


def _readable(lines: Iterable[bytes]) -> Iterator[Facts]:
    for line in lines:
        row = facts_of(line)
        if row is None:
            logger.warning("Half a line of usage is left out: its process was killed while it wrote it.")
        else:
            yield row


def _insert_singly(batch: Iterable[Facts]) -> None:
    # One row that the table cannot hold must not keep all others waiting for ever.
    for row in batch:
        try:
            _write([row])
        except UNFIT as error:
            logger.error("The usage of %s cannot be written: %s", row["request_id"], error)


def _write(rows: Sequence[Facts]) -> None:
    # Not by `bulk_create`: putting a row into SQL takes Django 190 µs, a sixth of what a request costs.
    table = sql.Identifier(Usage._meta.db_table)
    columns = sql.SQL(", ").join([sql.Identifier(name) for name in COLUMNS])
    with db.transaction.atomic(), db.connection.cursor() as cursor:
        cursor.execute(_INSERT.format(table=table, columns=columns), [orjson.dumps(rows).decode()])


def _hang_up() -> None:
    db.connection.close()
