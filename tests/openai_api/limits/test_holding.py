"""Limits around real requests to a real worker, counted in a real database by two web processes."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from django.db import connection
from echo_worker import EchoWorker
from error_shape import assert_error_shape
from yard import free_port

from openai_api import keys
from openai_api.models import Limit, LimitCounter, Reservation
from registry.lifecycle import notify
from tests.registry import factories

pytestmark = [pytest.mark.database, pytest.mark.processes, pytest.mark.django_db(transaction=True)]

ROOT = Path(__file__).parents[3]
CHAT = "/v1/chat/completions"
WORDS: dict[str, Any] = {"model": "echo", "messages": [{"role": "user", "content": "one two three"}], "max_tokens": 8}


@dataclass(frozen=True)
class Lab:
    """Two web processes, a key, and the one limit of its owner."""

    urls: Sequence[str]
    http: aiohttp.ClientSession
    owner: User

    async def limit(self, **caps: int) -> Limit:
        """Set it, and wait until both know."""
        limit: Limit = await sync_to_async(_limit)(self.owner, caps)
        for url in self.urls:
            async with asyncio.timeout(10):
                while "x-ratelimit-limit-requests" not in (await self.asked(url))[1]:  # noqa: ASYNC110
                    await asyncio.sleep(0.02)
        await sync_to_async(LimitCounter.objects.all().delete)()
        return limit

    async def asked(self, url: str, **more: Any) -> tuple[int, dict[str, str]]:
        async with self.http.post(url + CHAT, json=WORDS | more) as response:
            await response.read()
            return response.status, {name.lower(): value for name, value in response.headers.items()}

    async def at_once(self, count: int, **more: Any) -> Counter[int]:
        """How many of so many requests ended how, spread over both processes."""
        urls = [self.urls[number % len(self.urls)] for number in range(count)]
        return Counter(status for status, _ in await asyncio.gather(*(self.asked(url, **more) for url in urls)))


def _limit(owner: User, caps: dict[str, int]) -> Limit:
    limit = Limit.objects.create(user=owner, **({"requests_per_minute": 1_000_000} | caps))
    notify("limit")
    return limit


def _set_up(worker: EchoWorker) -> tuple[User, str]:
    factories.worker(
        factories.deployment("echo"),
        launch_id=worker.launch_id,
        address=worker.address,
        capabilities=["chat"],
        context_length=4096,
        node=factories.node(),
    )
    owner = User.objects.create_user("anna")
    return owner, keys.create_key("tests", owner)[1]


@pytest.fixture
async def lab(transactional_db: None, worker: EchoWorker) -> AsyncIterator[Lab]:
    owner, secret = await sync_to_async(_set_up)(worker)
    ports = [free_port(), free_port()]
    processes = [web_process(port) for port in ports]
    urls = [f"http://127.0.0.1:{port}" for port in ports]
    headers = {"Authorization": f"Bearer {secret}"}
    try:
        async with aiohttp.ClientSession(headers=headers, connector=aiohttp.TCPConnector(limit=0)) as http:
            for url in urls:
                await ready(http, url)
            yield Lab(urls, http, owner)
    finally:
        for process in processes:
            process.kill()
            process.wait()
        await sync_to_async(hang_up)()


def hang_up() -> None:
    connection.close()  # looked up here: the queries of a test run in a thread of their own


def web_process(port: int) -> subprocess.Popen[bytes]:
    argv = [sys.executable, "-m", "uvicorn", "modelyard.asgi:application", "--port", str(port), "--backlog", "2048"]
    return subprocess.Popen(
        argv, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=os.environ | {"PYTHONUNBUFFERED": "1"}
    )


async def ready(http: aiohttp.ClientSession, url: str) -> None:
    async with asyncio.timeout(60):
        while True:
            try:
                async with http.post(url + CHAT, json=WORDS) as response:
                    if response.status == 200:
                        return
            except aiohttp.ClientConnectionError:
                pass
            await asyncio.sleep(0.05)


async def test_of_two_hundred_at_once_exactly_as_many_succeed_as_the_limit_says(lab: Lab) -> None:
    limit = await lab.limit(requests_per_minute=10, tokens_per_minute=1_000_000)
    assert await lab.at_once(200) == {200: 10, 429: 190}
    async with lab.http.post(lab.urls[0] + CHAT, json=WORDS) as response:
        message = await assert_error_shape(response, 429, "rate_limit_exceeded")
        assert "the user 'anna' is reached: 10 requests a minute" in message
        assert 1 <= int(response.headers["Retry-After"]) <= 6
        assert response.headers["x-ratelimit-remaining-requests"] == "0"
    assert await sync_to_async(Reservation.objects.filter(limit=limit).count)() == 0


@pytest.mark.slow_fault
async def test_so_many_at_a_time_run_as_the_limit_says(lab: Lab) -> None:
    await lab.limit(concurrent=10)
    endless = {"ignore_eos": True, "max_tokens": 600}  # 2 s at 20 ms a word
    assert await lab.at_once(200, **endless) == {200: 10, 429: 190}
    assert (await lab.asked(lab.urls[0]))[0] == 200


@pytest.mark.slow_fault
async def test_a_request_that_ends_early_gives_back_what_was_reserved(lab: Lab) -> None:
    limit = await lab.limit(tokens_per_day=4_000)
    endless = WORDS | {"stream": True, "ignore_eos": True, "max_tokens": 2_000}
    async with lab.http.post(lab.urls[0] + CHAT, json=endless) as response:
        await response.content.readuntil(b"\n\n")
        counter = await sync_to_async(LimitCounter.objects.get)(limit=limit)
        assert counter.day_tokens > 2_000
        status, headers = await lab.asked(lab.urls[1], max_tokens=2_000)
        assert (status, headers["x-ratelimit-limit-tokens"]) == (429, "4000")
    async with asyncio.timeout(5):
        while (await sync_to_async(LimitCounter.objects.get)(limit=limit)).day_tokens > 500:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
