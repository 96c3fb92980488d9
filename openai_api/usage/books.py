"""Follows each call to its end, whatever that is, and keeps what it took."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from types import TracebackType
from typing import Protocol
from uuid import UUID

from inference.protocol.accounting import PATH
from inference.protocol.capabilities import ENDPOINTS
from inference.protocol.errors import ApiError
from openai_api.call import Call, Outcome
from openai_api.errors import ClientGone
from openai_api.upstream import Upstream
from openai_api.usage.metering import take
from openai_api.usage.metrics import Metrics
from openai_api.usage.rows import line_of
from registry.tokens import worker_token

logger = logging.getLogger(__name__)

CLIENT_LEFT = 499  # nginx's, for a client that closed its connection
INTERNAL_ERROR = 500
TRIES = 2
ASK_S = 3.0  # a worker waits up to two seconds for the sequence to leave its engine
LAST_QUESTIONS_S = 5.0

# Where a worker is, by its launch id; None: it is gone.
Whereabouts = Callable[[UUID], str | None]
# What is to be done with an outcome that is complete.
Settle = Callable[[Outcome], Awaitable[None]]


class Ledger(Protocol):
    """Who writes the rows."""

    def note(self, line: bytes) -> None:
        """Keep a row for good."""


class Books:
    """One event loop's. Without a ledger there are figures and no rows."""

    def __init__(self, upstream: Upstream, whereabouts: Whereabouts, settle: Settle) -> None:
        self.metrics = Metrics()
        self.ledger: Ledger | None = None
        self._upstream = upstream
        self._whereabouts = whereabouts
        self._settle = settle
        self._asking: set[asyncio.Task[None]] = set()

    def following(self, call: Call, outcome: Outcome) -> Following:
        """Complete the outcome when the block is left, however that happens."""
        return Following(self, call, outcome)

    async def close(self, call: Call, outcome: Outcome, error: BaseException | None) -> None:
        """The call is over, by this error or well."""
        refused = False
        if isinstance(error, ApiError):
            refused = _at_the_door(error, outcome)
            outcome.status, outcome.finish, outcome.error = error.status, "error", error.code or error.type
        elif isinstance(error, asyncio.CancelledError | GeneratorExit | ClientGone):
            _aborted(outcome)
        outcome.ended_at = time.monotonic()
        if not outcome.finish:
            _unfinished(outcome, well=error is None)
        await self._close(call, outcome, refused=refused)

    async def stop(self) -> None:
        """Wait a little for the last answers of workers."""
        if self._asking:
            await asyncio.wait(self._asking, timeout=LAST_QUESTIONS_S)

    async def _close(self, call: Call, outcome: Outcome, *, refused: bool) -> None:
        if outcome.exact or outcome.launch_id is None or refused or outcome.finish not in {"aborted", "error"}:
            self._note(call, outcome, refused=refused)
            await self._settle(outcome)
            return
        task = asyncio.create_task(self._complete(call, outcome))
        self._asking.add(task)
        task.add_done_callback(self._asking.discard)

    def _note(self, call: Call, outcome: Outcome, *, refused: bool = False) -> None:
        self.metrics.ended(call, outcome, refused=refused)
        if call.on_end is not None:
            call.on_end(outcome)
        if self.ledger is not None and not refused and call.capability in ENDPOINTS:
            self.ledger.note(line_of(call, outcome).as_json())

    async def _complete(self, call: Call, outcome: Outcome) -> None:
        """Ask the worker what it was in the end; a worker that is gone is not asked twice."""
        try:
            for _ in range(TRIES):
                if await self._asked(outcome):
                    break
        finally:
            self._note(call, outcome)
            await self._settle(outcome)

    async def _asked(self, outcome: Outcome) -> bool:
        address = self._whereabouts(outcome.launch_id) if outcome.launch_id is not None else None
        if address is None or outcome.launch_id is None:
            return False
        headers = {"Authorization": f"Bearer {worker_token(outcome.launch_id)}"}
        try:
            async with asyncio.timeout(ASK_S):
                return await self._told(address, outcome, headers)
        except OSError as error:
            logger.info("A worker did not say what an aborted request took: %r", error)
            return False

    async def _told(self, address: str, outcome: Outcome, headers: Mapping[str, str]) -> bool:
        connection = await self._upstream.connection(address)
        try:
            await connection.ask("GET", PATH + outcome.id.hex, headers=headers, silence_s=ASK_S)
            return connection.status == HTTPStatus.OK and take(await connection.rest(), outcome)
        finally:
            connection.release()


class Following:
    """A call while it is followed. Not by a generator: a class takes a fifth of its time."""

    __slots__ = "_books", "_call", "_outcome"

    def __init__(self, books: Books, call: Call, outcome: Outcome) -> None:
        self._books, self._call, self._outcome = books, call, outcome

    async def __aenter__(self) -> None:
        self._books.metrics.began(self._call)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._books.close(self._call, self._outcome, error)


def begun(call: Call) -> Outcome:
    """The outcome of a call that starts now."""
    return Outcome(began_at=datetime.now(UTC), asked_at=time.monotonic(), id=call.id)


def _at_the_door(error: ApiError, outcome: Outcome) -> bool:
    """Refused by a limit or a full line before any replica had it: it was not let in, so that no row is due."""
    return outcome.seated_at is None and error.status < INTERNAL_ERROR


def _aborted(outcome: Outcome) -> None:
    # A client may leave when it has all of its answer.
    if not outcome.finish:
        outcome.status, outcome.finish = CLIENT_LEFT, "aborted"


def _unfinished(outcome: Outcome, *, well: bool) -> None:
    """Left without a word: before its end, or by a bug. What engines of others answer may have no reason to end."""
    if outcome.status == 0 or not well:
        outcome.status, outcome.finish, outcome.error = INTERNAL_ERROR, "error", "internal_error"
