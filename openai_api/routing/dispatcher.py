"""From a call to the first bytes of its answer: waits for a seat, asks, and tries another replica where one fails."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, ExitStack
from http import HTTPStatus
from uuid import UUID

from django.conf import settings

from inference.protocol.stream import DONE, comment, event
from openai_api.board import Board
from openai_api.call import Call, Outcome
from openai_api.errors import EngineError, EngineSilent, ReplicaDied, ReplicaFull, ReplicaUnavailable
from openai_api.relay import EVENT_STREAM, Answer, ask
from openai_api.routing.seating import Guest, Seating
from openai_api.upstream import Upstream
from registry.catalog import Replica

logger = logging.getLogger(__name__)


class Dispatcher:
    """One event loop's way to the replicas."""

    def __init__(self, upstream: Upstream, board: Board) -> None:
        self._upstream = upstream
        self._seating = Seating(board)

    def in_flight(self, launch_id: UUID) -> int:
        """Requests that this process has at the replica now."""
        return self._seating.seats.in_flight(launch_id)

    def update(self) -> None:
        """The board has changed: seats may have come, and replicas may be gone."""
        self._seating.update()

    async def first_answer(self, call: Call, stack: AsyncExitStack, outcome: Outcome) -> Answer:
        """The answer, once something of it is here; leaving `stack` hangs up, or leaves the line.

        A stream that has to wait for long begins before: with comments that keep its client's connection open. What
        goes wrong after that is raised by its chunks. Raises 429 and 503.
        """
        guest = self._seating.guest(call)
        if not call.body.get("stream"):
            return await self._answered(guest, stack.enter_context(ExitStack()), outcome)
        own = stack.enter_context(ExitStack())
        task = asyncio.create_task(self._answered(guest, own, outcome))
        stack.push_async_callback(_ended, task)
        await _done(task, settings.MODELYARD_KEEPALIVE_S)
        if task.done():
            return task.result()
        return Answer(HTTPStatus.OK, {"content-type": EVENT_STREAM}, self._patiently(task, guest))

    async def _answered(self, guest: Guest, stack: ExitStack, outcome: Outcome) -> Answer:
        while True:
            replica = await self._seating.seat(guest)
            with ExitStack() as attempt:
                attempt.callback(self._seating.leave, guest, replica)
                outcome.seated_at, outcome.launch_id = time.monotonic(), replica.launch_id
                answer = await self._asked(guest, replica, attempt)
                if answer is not None:
                    stack.push(attempt.pop_all())
                    return answer

    async def _asked(self, guest: Guest, replica: Replica, attempt: ExitStack) -> Answer | None:
        """The replica's answer; None when another one shall be asked."""
        try:
            answer = await ask(self._upstream, replica, guest.call, stack=attempt)
        except ReplicaFull:
            self._seating.refused(guest, replica)
            return None
        except ReplicaUnavailable as error:
            self._passed_by(guest, replica, error)
            return None
        except EngineSilent:
            self._seating.failed(guest, replica, unreachable=False)
            raise
        if answer.status < HTTPStatus.INTERNAL_SERVER_ERROR:
            self._seating.answered(guest, replica)
            return answer
        self._seating.erred(guest, replica)
        return answer if guest.broke_enough or not self._seating.possible(guest) else None

    def _passed_by(self, guest: Guest, replica: Replica, error: ReplicaUnavailable) -> None:
        """Another replica shall be asked. Raises `EngineError` when that one would only be broken too."""
        died = isinstance(error, ReplicaDied)
        self._seating.failed(guest, replica, unreachable=error.unreachable, broken=died)
        if died and guest.broke_enough:
            raise EngineError("Replicas went away while they worked on this request, so no other one was asked.")
        logger.warning("%s goes to another replica: %s", guest.call.request_id, error)

    async def _patiently(self, task: asyncio.Task[Answer], guest: Guest) -> AsyncIterator[bytes]:
        while not task.done():
            yield comment(f"waiting, {self._seating.awaited(guest)}")
            await _done(task, settings.MODELYARD_KEEPALIVE_S)
        answer = task.result()
        if answer.streams:
            async for chunk in answer.chunks:
                yield chunk
            return
        yield event(b"".join([chunk async for chunk in answer.chunks])) + DONE


async def _done(task: asyncio.Task[Answer], most_s: float) -> None:
    # What `asyncio.wait` does for several takes twice as long.
    loop = asyncio.get_running_loop()
    waiter: asyncio.Future[None] = loop.create_future()

    def wake(_: object = None) -> None:
        if not waiter.done():
            waiter.set_result(None)

    timer = loop.call_later(most_s, wake)
    task.add_done_callback(wake)
    try:
        await waiter
    finally:
        timer.cancel()


async def _ended(task: asyncio.Task[Answer]) -> None:
    if task.done() and not task.cancelled() and task.exception() is None:
        return
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
