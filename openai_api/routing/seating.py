"""Seats at the replicas of all models, and the lines of those who wait for one."""

from __future__ import annotations

import asyncio
import itertools
import math
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from uuid import UUID

from django.conf import settings

from openai_api.board import Board
from openai_api.call import Call
from openai_api.errors import LineTooLong, WaitedTooLong
from openai_api.routing.affinity import Affinity, boundaries
from openai_api.routing.choice import choose
from openai_api.routing.line import Line, Place
from openai_api.routing.lookup import RELAUNCH_S, able, not_ready, patience_s
from openai_api.routing.seats import GROWS_EVERY_S, Seats
from registry.catalog import CatalogModel, Replica, ServingState, Status

# What an engine runs so and so many of at once; texts to embed it batches by themselves.
GENERATES = frozenset({"chat", "completions"})
# Replicas that one request may break.
MOST_BROKEN = 2
# A little more than the longest patience that ends, since clocks of loops are coarse.
LOOKED_AFTER_S = RELAUNCH_S + 0.05


@dataclass(slots=True, eq=False)
class Guest:
    """A call on its way to a replica. `marks` are its boundaries, `tried` the launches that failed it.

    `broken` are those of them that it may have broken: who took it and died, or answered with an error of their own.
    `alone_since`: when it was seen that no replica is left for it.
    """

    call: Call
    place: Place
    deadline: float
    marks: tuple[int, ...] = ()
    tried: set[UUID] = field(default_factory=set)
    broken: set[UUID] = field(default_factory=set)
    accused: list[Replica] = field(default_factory=list)
    alone_since: float | None = None
    granted: asyncio.Future[Replica] | None = None

    @property
    def broke_enough(self) -> bool:
        """Whether it is likely that the request is what breaks replicas."""
        return len(self.broken) >= MOST_BROKEN


class Seating:
    """Gives seats to guests; a seat that becomes free is given at once. Lives in one event loop."""

    def __init__(self, board: Board) -> None:
        self.seats = Seats()
        self._board = board
        self._affinity = Affinity()
        self._lines: dict[str, Line] = {}
        self._waiting: dict[Place, Guest] = {}
        self._numbers = itertools.count()

    def guest(self, call: Call) -> Guest:
        """Somebody who comes now."""
        place = Place(next(self._numbers), call.caller.share, call.priority)
        marks = boundaries(call.model.name, call.body) if len(call.model.replicas) > 1 else ()
        return Guest(call, place, _deadline(), marks)

    async def seat(self, guest: Guest) -> Replica:
        """The replica that the guest may ask, whose seat it then has to leave. Raises 429 and 503."""
        line = self._lines.setdefault(guest.call.model.name, Line())
        if not line and (replica := self._choose(guest)) is not None:
            self._sit(guest, replica)
            return replica
        if not self.possible(guest) and not patience_s(self._model(guest).status.state):
            raise not_ready(self._model(guest))
        if len(line) >= settings.MODELYARD_MAX_WAITING:
            raise LineTooLong(guest.call.model.name, len(line))
        return await self._wait(guest, line)

    def leave(self, guest: Guest, replica: Replica) -> None:
        """The guest is done there."""
        name = guest.call.model.name
        self.seats.stand(replica.launch_id)
        self._lines[name].ended(guest.place.share)
        self._give(name)

    def possible(self, guest: Guest) -> Sequence[Replica]:
        """Replicas that the guest may still try, busy or not."""
        # Looked up anew each time: while one replica was tried, others may have come or gone.
        replicas = able(self._model(guest).replicas, guest.call.capability)
        return [replica for replica in replicas if replica.launch_id not in guest.tried]

    def awaited(self, guest: Guest) -> str:
        """What the guest waits for, for a comment in its stream."""
        if guest.place not in self._waiting:
            return "for the engine"
        if self.possible(guest):
            return f"place {self._lines[guest.call.model.name].position(guest.place)} in the queue"
        status = self._model(guest).status
        return f"the model is {status}" if patience_s(status.state) == math.inf else "for a replica that answers"

    def answered(self, guest: Guest, replica: Replica) -> None:
        """The replica has begun to answer."""
        self.seats.answered(replica.launch_id)
        self._affinity.note(guest.marks, replica.launch_id)
        for other in guest.accused:
            self._count_failure(guest, other, unreachable=False)
        guest.accused.clear()

    def failed(self, guest: Guest, replica: Replica, *, unreachable: bool, broken: bool = False) -> None:
        """The replica failed the guest, who does not try it again; `broken`: maybe by what it was asked."""
        guest.tried.add(replica.launch_id)
        # What it had waited for before is over.
        guest.deadline = _deadline()
        if broken:
            guest.broken.add(replica.launch_id)
        self._count_failure(guest, replica, unreachable=unreachable)

    def erred(self, guest: Guest, replica: Replica) -> None:
        """The replica answered with an error of its own. Whose fault that is shows when another one is asked."""
        guest.tried.add(replica.launch_id)
        guest.broken.add(replica.launch_id)
        guest.accused.append(replica)
        guest.deadline = _deadline()

    def _count_failure(self, guest: Guest, replica: Replica, *, unreachable: bool) -> None:
        now = time.monotonic()
        until = self.seats.failed(replica.launch_id, now, unreachable=unreachable)
        if until > now:
            asyncio.get_running_loop().call_later(until - now, self._give, guest.call.model.name)

    def refused(self, guest: Guest, replica: Replica) -> None:
        """The replica says that it is full."""
        self.seats.refused(replica.launch_id, time.monotonic())
        # Who fills it may be another web process, whose seats nobody here hears of.
        asyncio.get_running_loop().call_later(GROWS_EVERY_S, self._grow, guest.call.model.name)

    def update(self) -> None:
        """The board has changed."""
        self.seats.forget_all_but(self._board.launch_ids())
        for guest in list(self._waiting.values()):
            self._look_after(guest)
        for name in list(self._lines):
            self._give(name)
            if not self._lines[name].used:
                del self._lines[name]

    async def _wait(self, guest: Guest, line: Line) -> Replica:
        guest.granted = asyncio.get_running_loop().create_future()
        guest.place = replace(guest.place, kind=(guest.call.capability, frozenset(guest.tried)))
        line.join(guest.place)
        self._waiting[guest.place] = guest
        self._give(guest.call.model.name)
        self._look_after(guest)
        replica = None
        try:
            async with asyncio.timeout_at(guest.deadline):
                replica = await guest.granted
                return replica
        except TimeoutError:
            if not self.possible(guest):
                raise not_ready(self._model(guest)) from None
            raise WaitedTooLong(guest.call.model.name) from None
        finally:
            if replica is None:
                self._withdraw(guest, line)

    def _withdraw(self, guest: Guest, line: Line) -> None:
        """The guest leaves without a seat, or in the very moment in which it got one."""
        if self._waiting.pop(guest.place, None) is not None:
            line.leave(guest.place)
        elif guest.granted is not None:
            self.leave(guest, guest.granted.result())

    def _look_after(self, guest: Guest) -> None:
        """Send a guest away for whom no replica is left, once there is no hope for another one."""
        if guest.granted is None or guest.granted.done():
            return
        if self.possible(guest):
            guest.alone_since = None
            return
        now = time.monotonic()
        if guest.alone_since is None:
            guest.alone_since = now
            # Nobody else may come to look: while Postgres is away, the board stays as it is.
            asyncio.get_running_loop().call_later(LOOKED_AFTER_S, self._look_after, guest)
        if guest.alone_since + patience_s(self._model(guest).status.state) <= now:
            guest.granted.set_exception(not_ready(self._model(guest)))

    def _give(self, name: str) -> None:
        line = self._lines.get(name)
        while line and (found := self._next(line)) is not None:
            guest, replica = found
            line.leave(guest.place)
            del self._waiting[guest.place]
            self._sit(guest, replica)
            if guest.granted is not None:
                guest.granted.set_result(replica)

    def _next(self, line: Line) -> tuple[Guest, Replica] | None:
        for place in line.in_order():
            guest = self._waiting[place]
            if guest.granted is None or guest.granted.done():
                continue
            if (replica := self._choose(guest)) is not None:
                return guest, replica
        return None

    def _grow(self, name: str) -> None:
        self._give(name)
        if self._lines.get(name):
            asyncio.get_running_loop().call_later(GROWS_EVERY_S, self._grow, name)

    def _choose(self, guest: Guest) -> Replica | None:
        bounded = guest.call.capability in GENERATES
        loads = self.seats.loads(self.possible(guest), time.monotonic(), bounded=bounded)
        known_by = self._affinity.find(guest.marks, {load.replica.launch_id for load in loads}) if guest.marks else None
        return choose(loads, random.randrange, known_by=known_by)

    def _sit(self, guest: Guest, replica: Replica) -> None:
        self.seats.sit(replica.launch_id)
        self._lines[guest.call.model.name].seated(guest.place.share)

    def _model(self, guest: Guest) -> CatalogModel:
        """As it is now; one that was deleted has no replicas."""
        known = guest.call.model
        return self._board.models.get(known.name) or replace(known, status=Status(ServingState.STOPPED), replicas=())


def _deadline() -> float:
    limit_s: float = settings.MODELYARD_QUEUE_TIMEOUT_S
    return time.monotonic() + limit_s
