"""Workers for the tests: in this process on real sockets, or as processes of their own."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from inference.config import WorkerConfig
from inference.engines.echo.engine import EchoEngine
from inference.listening import listen
from inference.server.app import build_runner
from inference.service import Service


@dataclass(frozen=True)
class Served:
    """A worker's HTTP side, and a client of it."""

    service: Service
    client: aiohttp.ClientSession
    hello: dict[str, Any] = field(
        default_factory=lambda: {"model": "echo", "messages": [{"role": "user", "content": "one two three"}]}
    )

    async def post(self, path: str, body: object, **kwargs: Any) -> tuple[int, Any]:
        """Status and JSON of one answer."""
        async with self.client.post(path, json=body, **kwargs) as response:
            return response.status, await response.json()

    async def stats(self) -> dict[str, Any]:
        """The worker's own counters."""
        async with self.client.get("/stats") as response:
            return dict(await response.json())

    async def until(self, holds: Callable[[dict[str, Any]], bool], *, within_s: float = 5.0) -> dict[str, Any]:
        """The first counters that fulfil a condition."""
        async with asyncio.timeout(within_s):
            while not holds(stats := await self.stats()):  # noqa: ASYNC110
                await asyncio.sleep(0.005)
        return stats


Serve = Callable[..., Awaitable[Served]]


def worker_config(**fields: Any) -> WorkerConfig:
    """A config of the echo engine."""
    defaults = {"model": Path("/nowhere"), "name": "echo", "engine": "echo", "cache_dir": Path("/nowhere")}
    return WorkerConfig(**{**defaults, **fields})


@pytest.fixture
def config() -> Callable[..., WorkerConfig]:
    return worker_config


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """A function that serves an echo engine with options; `ready=False` leaves it loading."""
    async with contextlib.AsyncExitStack() as stack:

        async def start(options: dict[str, Any] | None = None, *, ready: bool = True, **fields: Any) -> Served:
            service = Service(worker_config(options=options or {}, **fields))
            runner = build_runner(service)
            await runner.setup()
            stack.push_async_callback(runner.cleanup)
            service.address = await listen(runner, "127.0.0.1", port=0)
            if ready:
                stack.callback(make_ready(service).close)
            headers = {"Authorization": f"Bearer {service.config.token}"} if service.config.token else {}
            client = aiohttp.ClientSession(service.address, headers=headers)
            return Served(service, await stack.enter_async_context(client))

        yield start


def make_ready(service: Service) -> EchoEngine:
    """What the worker does when loading is done."""
    engine = EchoEngine(service.config.for_engine())
    engine.load(lambda _: None)
    service.loaded = engine
    service.lifecycle.ready()
    return engine
