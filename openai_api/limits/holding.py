"""Holds the limits around a call: reserved before it is asked, settled however it ends."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

import psycopg
from django.conf import settings

from openai_api.board import Board
from openai_api.call import Call
from openai_api.errors import LimitsBusy
from openai_api.limits.arithmetic import Count, Measure, Need, debited, granted, measures
from openai_api.limits.demand import demand
from openai_api.limits.facts import LimitFacts
from openai_api.limits.rows import Rows
from openai_api.limits.wording import rate_headers, refusal

logger = logging.getLogger(__name__)

RENEW_EVERY_S = 15.0
LOOK_AGAIN_S = 1.0  # while Postgres is away
SETTLE_WAIT_S = 1.0


@dataclass(frozen=True, slots=True)
class Held:
    """A call that was let in: what it asks now, and what every answer to it says in its headers.

    Without `counted` nothing was reserved, and there is nothing to settle.
    """

    call: Call
    headers: Mapping[str, str] = field(default_factory=dict)
    counted: bool = False


@dataclass(slots=True)
class _Seat:
    limits: tuple[LimitFacts, ...]
    tokens: int
    in_rows: bool
    made: datetime


class Limits:
    """The limits of one event loop. While Postgres is away it counts by itself, and owes what was used."""

    def __init__(self, board: Board) -> None:
        self._board = board
        self._rows = Rows()
        self._away = False
        self._seats: dict[UUID, _Seat] = {}
        self._counts: dict[int, Count] = {}
        self._debts: dict[int, Need] = {}
        # Calls that are over, what they took, and nobody could write down yet.
        self._unsettled: dict[UUID, int] = {}
        self._settling: set[asyncio.Task[None]] = set()
        self._keeping: asyncio.Task[None] | None = None

    @property
    def away(self) -> bool:
        """Whether this process counts by itself."""
        return self._away

    @property
    def owes(self) -> bool:
        """Whether something was used that the database does not know yet."""
        return bool(self._debts or self._unsettled)

    async def hold(self, call: Call) -> Held:
        """The call as it may be asked; whoever calls this settles it, also when this is left in its middle.

        Raises 429, 400, and 503 when the database is too busy to count. Without limits nothing is waited for.
        """
        limits = self._board.limits(call.caller, call.model.name)
        if not limits:
            return Held(call)
        needed = demand(call.request, limits, context=call.model.context_length)
        priority = max((limit.priority for limit in limits if limit.priority is not None), default=call.priority)
        call = replace(call, changes={**call.changes, **needed.changes}, priority=priority)
        counted = tuple(limit for limit in limits if limit.counts)
        if not counted:
            return Held(call)
        return Held(call, rate_headers(await self._reserve(call.id, counted, needed.tokens)), counted=True)

    async def settle(self, key: UUID, used: int | None) -> None:
        """The call is over and took so many tokens; None: nobody knows, so all that was reserved.

        Doing it twice changes nothing.
        """
        if (seat := self._seats.pop(key, None)) is None:
            return
        used = seat.tokens if used is None else used
        if not seat.in_rows:
            self._settle_here(seat, used)
            return
        self._unsettled[key] = used
        if not self._away:
            # A task of its own: a client that left cancels this one.
            task = asyncio.create_task(self._settle(key))
            self._settling.add(task)
            task.add_done_callback(self._settling.discard)
            # The client's last bytes wait for this: not for long, when the database has other things to do.
            await asyncio.wait([task], timeout=SETTLE_WAIT_S)

    async def close(self) -> None:
        """Settle what is still to be settled."""
        if self._settling:
            await asyncio.wait(self._settling)
        if self._keeping is not None:
            self._keeping.cancel()
            await asyncio.wait([self._keeping])
        if self.owes:
            await self._catch_up()
        await self._rows.close()

    async def _reserve(self, seat: UUID, limits: tuple[LimitFacts, ...], tokens: int) -> Sequence[Measure]:
        if self._keeping is None or self._keeping.done():
            self._keeping = asyncio.create_task(self._keep(), name="limits")
        found = await self._reserve_rows(seat, limits, tokens)
        if found is None:
            found = self._reserve_here(seat, limits, tokens)
        if not granted(found):
            self._seats.pop(seat, None)
            raise refusal(found, limits, tokens=tokens)
        return found

    async def _reserve_rows(self, seat: UUID, limits: tuple[LimitFacts, ...], tokens: int) -> Sequence[Measure] | None:
        if self._away:
            return None
        # Before the statement: a client that leaves in its middle may leave a reservation behind, which is settled.
        self._seats[seat] = _Seat(limits, tokens, in_rows=True, made=_now())
        try:
            return await self._rows.reserve(seat, [limit.id for limit in limits], tokens=tokens)
        except LimitsBusy:
            # Nothing was made: a statement that fails takes back all that it did.
            self._seats.pop(seat, None)
            raise
        except psycopg.Error as error:
            self._gone(error)
            # It may have been made all the same.
            self._unsettled[seat] = 0
            return None

    def _reserve_here(self, seat: UUID, limits: tuple[LimitFacts, ...], tokens: int) -> Sequence[Measure]:
        now, need = _now(), Need(1, tokens)
        self._seats.pop(seat, None)
        found = self._measured(limits, need, now)
        if not granted(found):
            return found
        for limit in limits:
            self._counts[limit.id] = debited(limit, self._counts.get(limit.id, Count()), need, made=now, now=now)
        self._seats[seat] = _Seat(limits, tokens, in_rows=False, made=now)
        return self._measured(limits, Need(0, 0), now)

    def _measured(self, limits: Sequence[LimitFacts], need: Need, now: datetime) -> list[Measure]:
        held: dict[int, int] = defaultdict(int)
        for seat in self._seats.values():
            for limit in seat.limits:
                held[limit.id] += 1
        counts = self._counts
        return [
            measure
            for limit in limits
            for measure in measures(limit, counts.get(limit.id, Count()), need, held=held[limit.id], now=now)
        ]

    def _settle_here(self, seat: _Seat, used: int) -> None:
        now = _now()
        for limit in seat.limits:
            back = Need(0, used - seat.tokens)
            count = self._counts.get(limit.id, Count())
            self._counts[limit.id] = debited(limit, count, back, made=seat.made, now=now)
            owed = self._debts.get(limit.id, Need(0, 0))
            self._debts[limit.id] = Need(owed.requests + 1, owed.tokens + used)

    async def _settle(self, key: UUID) -> None:
        try:
            await self._rows.settle(key, used=self._unsettled[key])
            self._unsettled.pop(key, None)
        except LimitsBusy:
            logger.info("The database is busy: a call is settled a little later.")
        except psycopg.Error as error:
            self._gone(error)

    async def _keep(self) -> None:
        """Until cancelled: renews what runs, and pays what is owed when Postgres is back."""
        while True:
            for _ in range(int(RENEW_EVERY_S / LOOK_AGAIN_S)):
                await asyncio.sleep(LOOK_AGAIN_S)
                if self._away or self.owes:
                    await self._catch_up()
            if not self._away:
                await self._catch_up()

    async def _catch_up(self) -> None:
        try:
            await self._rows.renew([key for key, seat in self._seats.items() if seat.in_rows])
            for key, used in list(self._unsettled.items()):
                await self._rows.settle(key, used=used)
                self._unsettled.pop(key, None)
            for limit in list(self._debts):
                # Taken first: what comes meanwhile is another debt.
                debt = self._debts.pop(limit)
                await self._owe(limit, debt)
        except LimitsBusy:
            return
        except psycopg.Error as error:
            self._gone(error)
            return
        if self._away:
            logger.warning("Limits are counted in the database again.")
            self._away = False
            self._counts.clear()

    async def _owe(self, limit: int, debt: Need) -> None:
        try:
            await self._rows.owe(limit, debt)
        except (psycopg.Error, LimitsBusy):
            more = self._debts.get(limit, Need(0, 0))
            self._debts[limit] = Need(debt.requests + more.requests, debt.tokens + more.tokens)
            raise

    def _gone(self, error: psycopg.Error) -> None:
        if not self._away:
            logger.warning("The database is away (%s). Limits are counted in this process meanwhile.", error)
        self._away = True


def _now() -> datetime:
    return datetime.now(ZoneInfo(settings.TIME_ZONE))
