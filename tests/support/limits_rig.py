"""Two real web processes in front of a real worker, for limits that they count together."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import aiohttp
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from django.db import connection
from echo_worker import EchoWorker
from yard import free_port

from openai_api import keys
from openai_api.models import ApiKey, Limit, LimitCounter
from registry.lifecycle import notify
from tests.registry import factories

ROOT = Path(__file__).parents[2]
CHAT = "/v1/chat/completions"
WORDS: dict[str, Any] = {"model": "echo", "messages": [{"role": "user", "content": "one two three"}], "max_tokens": 8}
MANY = 1_000_000
# A process that holds seats for this long only.
IMPATIENT = """
import sys, uvicorn, modelyard.asgi
from openai_api.limits import holding, rows
rows.HOLD_S, holding.RENEW_EVERY_S = 2.0, 1.0
uvicorn.run("modelyard.asgi:application", port=int(sys.argv[-1]), log_level="warning")
"""


@dataclass(frozen=True)
class Web:
    """One process, with all that it logs."""

    url: str
    process: subprocess.Popen[bytes]


@contextmanager
def web_process(folder: Path, *how: str) -> Iterator[Web]:
    """A web process; `how` is what Python runs."""
    port = free_port()
    argv = [sys.executable, *(how or ("-m", "uvicorn", "modelyard.asgi:application")), "--backlog", "2048", "--port"]
    with (folder / f"web-{port}.log").open("wb") as log:
        process = subprocess.Popen(
            [*argv, str(port)], cwd=ROOT, stdout=log, stderr=log, env=os.environ | {"PYTHONUNBUFFERED": "1"}
        )
        try:
            yield Web(f"http://127.0.0.1:{port}", process)
        finally:
            process.kill()
            process.wait()


@contextmanager
def two_webs() -> Iterator[tuple[Path, Sequence[Web]]]:
    """They live through many tests, each of which finds empty tables; beside them the folder of their logs."""
    with TemporaryDirectory() as home, web_process(Path(home)) as one, web_process(Path(home)) as other:
        yield Path(home), (one, other)


@dataclass(frozen=True)
class Lab:
    """The web processes of a test, a key, and its owner."""

    urls: Sequence[str]
    http: aiohttp.ClientSession
    owner: User
    key: ApiKey

    async def limit(self, **caps: Any) -> Limit:
        """Set a limit, of the owner unless something else is named, and wait until all processes know."""
        limit: Limit = await sync_to_async(_limit)(self.owner, caps)
        for url in self.urls:
            await self.until(url, lambda headers: "x-ratelimit-limit-requests" in headers)
        await sync_to_async(LimitCounter.objects.all().delete)()
        return limit

    async def until(self, url: str, seen: Any, *, within: float = 20.0) -> None:
        """Ask until the headers of an answer are as wanted."""
        async with asyncio.timeout(within):
            while not seen((await self.asked(url))[1]):  # noqa: ASYNC110 - it looks at another process
                await asyncio.sleep(0.02)

    async def asked(self, url: str, *, path: str = CHAT, **more: Any) -> tuple[int, dict[str, str]]:
        words = WORDS if path == CHAT else {"model": "echo"}
        async with self.http.post(url + path, json=words | more) as response:
            await response.read()
            return response.status, {name.lower(): value for name, value in response.headers.items()}

    async def at_once(self, count: int, **more: Any) -> Counter[int]:
        """How many of so many requests ended how, spread over the processes."""
        urls = [self.urls[number % len(self.urls)] for number in range(count)]
        return Counter(status for status, _ in await asyncio.gather(*(self.asked(url, **more) for url in urls)))


async def open_lab(worker: EchoWorker, urls: Sequence[str], http: aiohttp.ClientSession) -> Lab:
    """A user with a key, known to all of the processes; `http` gets the key."""
    owner, key, secret = await sync_to_async(_set_up)(worker)
    http.headers["Authorization"] = f"Bearer {secret}"
    for url in urls:
        await ready(http, url)
    return Lab(urls, http, owner, key)


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


def hang_up() -> None:
    connection.close()  # looked up here: the queries of a test run in a thread of their own


def _limit(owner: User, caps: dict[str, Any]) -> Limit:
    whose = {} if {"key", "group", "model"} & set(caps) else {"user": owner}
    limit = Limit.objects.create(**(whose | {"requests_per_minute": MANY} | caps))
    notify("limit")
    return limit


def _set_up(worker: EchoWorker) -> tuple[User, ApiKey, str]:
    factories.worker(
        factories.deployment("echo"),
        launch_id=worker.launch_id,
        address=worker.address,
        capabilities=["chat", "completions", "embeddings"],
        context_length=4096,
        node=factories.node(),
    )
    owner = User.objects.create_user("anna")
    return owner, *keys.create_key("tests", owner)
