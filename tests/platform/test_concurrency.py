"""How many requests of Django's work at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any

import pytest

from modelyard.concurrency import AT_ONCE, ConcurrencyLimit, Receive, Scope, Send

Message = dict[str, Any]
WHOLE = {"type": "http.request", "body": b"", "more_body": False}
BEGUN = {"type": "http.response.start", "status": 200}


class Django:
    """Counts who works; `rest` comes after the beginning of the answer."""

    def __init__(self, rest: float = 0.0) -> None:
        self.working = self.most = self.answered = 0
        self.rest = rest

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        while (await receive()).get("more_body"):
            pass
        self.working += 1
        self.most = max(self.most, self.working)
        await asyncio.sleep(scope.get("works", 0.01))
        self.working -= 1
        if scope.get("fails"):
            raise ValueError
        await send(BEGUN)
        self.answered += 1
        await asyncio.sleep(self.rest)


def request(app: ConcurrencyLimit, *body: Message, **scope: Any) -> Awaitable[None]:
    messages = [*body, WHOLE]

    async def receive() -> Message:
        return messages.pop(0)

    async def send(message: Message) -> None:
        assert message == BEGUN

    return app(scope, receive, send)


async def test_more_requests_than_may_work_at_once_wait_and_all_are_answered() -> None:
    django = Django()
    app = ConcurrencyLimit(django)
    await asyncio.gather(*(request(app) for _ in range(3 * AT_ONCE)))
    assert (django.most, django.answered) == (AT_ONCE, 3 * AT_ONCE)


async def test_who_reads_or_sends_slowly_holds_nobody_up() -> None:
    django, never = Django(rest=60), asyncio.Event()
    app = ConcurrencyLimit(django)

    async def receive() -> Message:
        await never.wait()
        return WHOLE

    senders = [asyncio.ensure_future(app({}, receive, pytest.fail)) for _ in range(AT_ONCE)]
    readers = [asyncio.ensure_future(request(app, {"type": "http.request", "more_body": True})) for _ in range(100)]
    async with asyncio.timeout(10):
        while django.answered < len(readers):  # noqa: ASYNC110 - it has no event for it
            await asyncio.sleep(0.01)
    for task in (*senders, *readers):
        task.cancel()
    await asyncio.gather(*senders, *readers, return_exceptions=True)


async def test_one_that_fails_or_is_given_up_gives_its_turn_back() -> None:
    django = Django()
    app = ConcurrencyLimit(django)
    failed = await asyncio.gather(*(request(app, fails=True) for _ in range(2 * AT_ONCE)), return_exceptions=True)
    assert {type(one) for one in failed} == {ValueError}
    given_up = [asyncio.ensure_future(request(app, works=60)) for _ in range(AT_ONCE)]
    await asyncio.sleep(0)
    for task in given_up:
        task.cancel()
    await request(app)
    assert django.answered == 1
