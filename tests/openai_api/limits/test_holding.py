"""Limits around real requests to a real worker, counted in a real database by two web processes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import Group
from echo_worker import EchoWorker
from error_shape import assert_error_shape
from limits_rig import CHAT, IMPATIENT, WORDS, Lab, Web, ready, web_process

from openai_api.limits import desired
from openai_api.models import Limit, LimitCounter, Reservation
from registry.models import Model

pytestmark = [pytest.mark.database, pytest.mark.processes, pytest.mark.django_db(transaction=True)]

STREAM = WORDS | {"stream": True}
ENDLESS: dict[str, Any] = STREAM | {"ignore_eos": True, "max_tokens": 2_000}
STARTED = b"\n\n"


async def eventually(look: Callable[[], Any], *, within: float = 10.0) -> None:
    """Wait until a look at the database is true."""
    async with asyncio.timeout(within):
        while not await sync_to_async(look)():  # noqa: ASYNC110 - it looks at the database
            await asyncio.sleep(0.02)


async def counted(limit: Limit) -> int:
    return (await sync_to_async(LimitCounter.objects.get)(limit=limit)).day_tokens


async def test_of_two_hundred_at_once_exactly_as_many_succeed_as_the_limit_says(lab: Lab) -> None:
    limit, began = await lab.limit(requests_per_minute=10, tokens_per_minute=1_000_000), time.monotonic()
    found = await lab.at_once(200)
    # One comes back every six seconds, which is longer than this takes on a machine that does nothing else.
    refilled = int((time.monotonic() - began) / 6)
    assert found[200] in range(10, 11 + refilled)
    assert found[200] + found[429] == 200
    headers = await assert_names(lab, "the user 'anna' is reached: 10 requests a minute")
    assert 1 <= int(headers["Retry-After"]) <= 6
    assert headers["x-ratelimit-remaining-requests"] == "0"
    assert await sync_to_async(Reservation.objects.filter(limit=limit).count)() == 0


async def test_who_has_read_all_of_an_answer_may_ask_again_at_once(lab: Lab) -> None:
    await lab.limit(concurrent=1)
    for more in [STREAM, WORDS] * 5:
        async with lab.http.post(lab.urls[0] + CHAT, json=more | {"max_tokens": 1}) as response:
            assert response.status == 200
            if more is STREAM:
                # Not to the end of the connection: this is where clients stop to read.
                await response.content.readuntil(b"[DONE]")


async def test_what_an_aborted_request_took_is_counted_exactly(lab: Lab, worker: EchoWorker) -> None:
    limit, before = await lab.limit(tokens_per_day=10_000), worker.stats()["engine"]["tokens_total"]
    async with lab.http.post(lab.urls[0] + CHAT, json=ENDLESS) as response:
        for _ in range(6):
            await response.content.readuntil(STARTED)
        assert await counted(limit) > 2_000
    await eventually(lambda: not Reservation.objects.exists())
    generated = worker.stats()["engine"]["tokens_total"] - before
    assert await counted(limit) == generated + 4
    assert 5 <= generated < 100


async def test_a_budget_of_tokens_is_used_up_and_never_overrun(lab: Lab, worker: EchoWorker) -> None:
    limit, before = await lab.limit(tokens_per_day=300), worker.stats()["engine"]["tokens_total"]
    asks = {"path": "/v1/completions", "prompt": [5, 6, 7], "max_tokens": 20, "ignore_eos": True}
    found = await lab.at_once(60, **asks)
    generated = worker.stats()["engine"]["tokens_total"] - before
    # Each takes 23, and reserves two more, for what a tokenizer may add to a text.
    assert found == {200: generated // 20, 429: 60 - generated // 20}
    assert 12 <= found[200] <= 13
    assert await counted(limit) == found[200] * 23 <= 300


@pytest.mark.slow_fault
async def test_so_many_at_a_time_run_as_the_limit_says(lab: Lab) -> None:
    await lab.limit(concurrent=10)
    endless = {"ignore_eos": True, "max_tokens": 600}  # 2 s at 20 ms a word
    assert await lab.at_once(200, **endless) == {200: 10, 429: 190}
    assert (await lab.asked(lab.urls[0]))[0] == 200


async def test_what_is_reserved_is_refused_to_others_until_it_comes_back(lab: Lab) -> None:
    limit = await lab.limit(tokens_per_day=4_000)
    async with lab.http.post(lab.urls[0] + CHAT, json=ENDLESS) as response:
        await response.content.readuntil(STARTED)
        status, headers = await lab.asked(lab.urls[1], max_tokens=2_000)
        assert (status, headers["x-ratelimit-limit-tokens"]) == (429, "4000")
        assert int(headers["x-ratelimit-remaining-tokens"]) == 4_000 - await counted(limit) < 2_000
    await eventually(lambda: LimitCounter.objects.get(limit=limit).day_tokens < 500)
    assert (await lab.asked(lab.urls[1], max_tokens=2_000))[0] == 200


async def test_a_changed_limit_acts_within_a_second(lab: Lab) -> None:
    limit = await lab.limit(requests_per_minute=50)
    limit.requests_per_minute = 70
    await sync_to_async(desired.save)(limit, actor="tests")
    for url in lab.urls:
        await lab.until(url, lambda headers: headers["x-ratelimit-limit-requests"] == "70", within=1.0)


async def test_of_all_limits_that_hold_the_tightest_is_named(lab: Lab) -> None:
    lab_group = await sync_to_async(_grouped)(lab)
    model = await sync_to_async(Model.objects.get)(name="echo")
    await lab.limit(model=model, requests_per_minute=4)
    await lab.limit(user=lab.owner, requests_per_minute=3)
    await lab.limit(group=lab_group, requests_per_minute=2)
    key = await lab.limit(key=lab.key, requests_per_minute=1)
    await lab.until(lab.urls[0], lambda headers: headers["x-ratelimit-limit-requests"] == "1")
    await assert_names(lab, "the key 'tests' is reached: 1 requests a minute")
    await sync_to_async(desired.remove)([key], actor="tests")
    await lab.until(lab.urls[0], lambda headers: headers["x-ratelimit-limit-requests"] == "2")
    await assert_names(lab, "the group 'lab' is reached: 2 requests a minute")


@pytest.mark.slow_fault
async def test_the_seats_of_a_killed_process_come_free(
    lab: Lab, webs: tuple[Path, Sequence[Web]], worker: EchoWorker
) -> None:
    await lab.limit(concurrent=1)
    with web_process(webs[0], "-c", IMPATIENT) as doomed:
        await ready(lab.http, doomed.url)
        async with lab.http.post(doomed.url + CHAT, json=ENDLESS) as response:
            await response.content.readuntil(STARTED)
            await asyncio.sleep(3)  # longer than the seat is held: it is renewed
            assert (await lab.asked(lab.urls[0]))[0] == 429
            doomed.process.kill()
            await eventually(lambda: worker.running == 0)
            assert (await lab.asked(lab.urls[0]))[0] == 429
            async with asyncio.timeout(5):
                while (await lab.asked(lab.urls[0]))[0] != 200:  # noqa: ASYNC110
                    await asyncio.sleep(0.05)


async def assert_names(lab: Lab, whose: str) -> Mapping[str, str]:
    """The headers of a refusal, which comes unless something came back in this moment."""
    for _ in range(5):
        async with lab.http.post(lab.urls[0] + CHAT, json=WORDS) as response:
            await response.read()
        if response.status == 429:
            break
    assert whose in await assert_error_shape(response, 429, "rate_limit_exceeded")
    return response.headers


def _grouped(lab: Lab) -> Group:
    group = Group.objects.create(name="lab")
    lab.owner.groups.add(group)
    return group
