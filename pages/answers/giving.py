"""Gives answers: asks a model, lets the answer grow, draws it while somebody looks, and keeps it."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Collection, Sized
from contextlib import suppress
from dataclasses import replace
from typing import Any
from uuid import UUID

from inference.protocol.body import parse_body
from inference.protocol.errors import ApiError, InternalServerError
from openai_api.call import Call
from openai_api.errors import EngineError
from openai_api.events import payloads
from openai_api.gateway import Gateway
from openai_api.relay import Answer
from pages.answers.answer import GrowingAnswer
from pages.answers.audience import Audience
from pages.models.message import State

logger = logging.getLogger(__name__)

DRAW_EVERY_S = 0.2
DRAW_SHARE = 5  # drawing all answers may take this fraction of the time
LONG = 4_000  # characters that are drawn beside the event loop
KEEP_EVERY_S = 2.0
KEPT_WITHIN_S = 5.0  # else the page is told before the row is written
CLOSED_WITHIN_S = 20.0
COUNTED_WITHIN_S = 0.5  # an engine is asked what it took when it was cut; a page that waits for it was stopped already
REMEMBERED_S = 60.0  # after its end, for pages that were away

# Writes it down; False when it is not wanted any more, since its conversation was deleted.
Keep = Callable[[GrowingAnswer], Awaitable[bool]]


class Answers:
    """The answers that one event loop gives. They go on without a page; only `stop` and the server's end cut them."""

    def __init__(self, gateway: Gateway, keep: Keep) -> None:
        self._gateway, self.keep = gateway, keep
        self.audience = Audience()
        self._answers: dict[UUID, GrowingAnswer] = {}
        self._tasks: dict[UUID, asyncio.Task[None]] = {}

    def find(self, number: UUID) -> GrowingAnswer | None:
        """An answer that is being given, or was until a minute ago."""
        return self._answers.get(number)

    def start(self, answer: GrowingAnswer, call: Call) -> None:
        """Ask for it."""
        self._answers[answer.id] = answer
        call = replace(call, on_end=answer.count)
        self._tasks[answer.id] = task = asyncio.create_task(self._give(answer, call), name=f"answer {answer.id}")
        task.add_done_callback(lambda _: self._forget_soon(answer, task))

    async def until_kept(self, number: UUID) -> None:
        """Wait a little for the row of an answer that is over."""
        task, answer = self._tasks.get(number), self._answers.get(number)
        if task is not None and answer is not None and answer.state != State.RUNNING:
            await asyncio.wait([task], timeout=KEPT_WITHIN_S)

    async def stop(self, number: UUID) -> None:
        """End it where it is; the engine drops it at once."""
        task = self._tasks.get(number)
        if task is not None:
            # Who presses twice must not cut short what is done at the end.
            if not task.cancelling():
                task.cancel()
            await asyncio.wait([task], timeout=KEPT_WITHIN_S)

    async def close(self) -> None:
        """Let them come to their ends; what takes too long is cut, and what was said is kept."""
        if self._tasks:
            await asyncio.wait(list(self._tasks.values()), timeout=CLOSED_WITHIN_S)
        for number in list(self._tasks):
            await self.stop(number)

    def _forget_soon(self, answer: GrowingAnswer, task: asyncio.Task[None]) -> None:
        # By then another part of the same answer may be on its way.
        if self._tasks.get(answer.id) is task:
            del self._tasks[answer.id]
        asyncio.get_running_loop().call_later(REMEMBERED_S, self._forget, answer)

    def forget(self, number: UUID) -> None:
        """What was told of it so far: it goes on, or its row does."""
        self._answers.pop(number, None)

    def _forget(self, answer: GrowingAnswer) -> None:
        if self._answers.get(answer.id) is answer:
            del self._answers[answer.id]

    async def _give(self, answer: GrowingAnswer, call: Call) -> None:
        beside = [
            asyncio.create_task(_draw(answer, self._tasks)),
            asyncio.create_task(self._keep_every_few_seconds(answer)),
        ]
        try:
            # `gather` hands a bug over as a value: the page hears of it, the log gets the traceback.
            [outcome] = await asyncio.gather(self._grow(answer, call), return_exceptions=True)
            await _ended(beside)
            await _counted(answer)
            _end(answer, outcome)
        except asyncio.CancelledError:
            await _ended(beside)
            await _counted(answer)
            answer.end(State.STOPPED)
        finally:
            await self.keep(answer)

    async def _grow(self, answer: GrowingAnswer, call: Call) -> str:
        reason = ""
        async with self._gateway.answer(call) as given:
            async for payload in payloads((await _accepted(given)).chunks):
                text, reason = _read(payload, answer, reason)
                if text:
                    answer.pace.note(time.monotonic())
                    answer.append(text)
        return reason

    async def _keep_every_few_seconds(self, answer: GrowingAnswer) -> None:
        while True:
            await asyncio.sleep(KEEP_EVERY_S)
            if not await self.keep(answer):
                self._tasks[answer.id].cancel()
                return


async def _ended(tasks: Collection[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)


async def _counted(answer: GrowingAnswer) -> None:
    """Wait a moment for what an answer took that was cut."""
    if answer.pace.completion_tokens is None:
        with suppress(TimeoutError):
            await asyncio.wait_for(answer.counted.wait(), COUNTED_WITHIN_S)


def _end(answer: GrowingAnswer, outcome: str | BaseException) -> None:
    if isinstance(outcome, str):
        answer.end(State.DONE, reason=outcome)
    elif isinstance(outcome, ApiError):
        answer.fail(outcome)
    else:
        logger.error("An answer for a page failed.", exc_info=outcome)
        answer.fail(InternalServerError())


async def _draw(answer: GrowingAnswer, given: Sized) -> None:
    """Make HTML now and then, while somebody looks; the less often, the more answers are `given`."""
    pause = DRAW_EVERY_S
    while True:
        await asyncio.sleep(pause)
        if not answer.followers or answer.covered == len(answer.text):
            continue
        begun = time.monotonic()
        long = len(answer.shown) + len(answer.text) - answer.covered > LONG
        answer.draw(await asyncio.to_thread(answer.prose.update) if long else answer.prose.update())
        pause = max(DRAW_EVERY_S, DRAW_SHARE * len(given) * (time.monotonic() - begun))


async def _accepted(answer: Answer) -> Answer:
    """The answer, if it is a stream. Anything else is an error, whose sentence is raised."""
    if answer.streams:
        return answer
    body = parse_body(b"".join([chunk async for chunk in answer.chunks]))
    raise _engine_error(body.get("error"))


def _engine_error(error: Any) -> EngineError:
    given = error if isinstance(error, dict) else {}
    found = EngineError(str(given.get("message") or "The engine answered with an error that says nothing."))
    found.code, found.param = str(given.get("code") or EngineError.code), str(given.get("param") or "")
    return found


def _read(payload: dict[str, Any], answer: GrowingAnswer, reason: str) -> tuple[str, str]:
    """The text of a chunk, and why the answer ended as far as is known."""
    if "error" in payload:
        raise _engine_error(payload["error"])
    if usage := payload.get("usage"):
        answer.pace.prompt_tokens = usage["prompt_tokens"]
        answer.pace.completion_tokens = usage["completion_tokens"]
    if not (choices := payload.get("choices")):
        return "", reason
    return choices[0]["delta"].get("content") or "", choices[0].get("finish_reason") or reason
