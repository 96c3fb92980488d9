"""The whole web application on a real server, in the test's own loop, with routes and keys that the test writes."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
import openai
import uvicorn

from openai_api import lifespan
from openai_api.board import Snapshot
from openai_api.caller import Person
from openai_api.gateway import Gateway
from openai_api.keys import KeyFacts, hash_secret
from registry.catalog import Catalog, CatalogModel, Replica, ServingState, Status

SECRET = "my-secret-of-the-tests"
ANNA = 7
KEYS = {hash_secret(SECRET): KeyFacts(id=1, name="tests", user_id=ANNA)}
QUESTION: list[Any] = [{"role": "user", "content": "one two three"}]


def model(name: str, *replicas: Replica, aliases: tuple[str, ...] = (), status: Status | None = None) -> CatalogModel:
    """Ready when it has a replica; what these serve is what it serves."""
    known = status or Status(ServingState.READY if replicas else ServingState.STOPPED)
    capabilities = tuple(sorted({name for replica in replicas for name in replica.capabilities}))
    return CatalogModel(name, 1_700_000_000, aliases, known, replicas, capabilities, 4096)


def snapshot(*models: CatalogModel, keys: dict[str, KeyFacts] | None = None) -> Snapshot:
    return Snapshot(Catalog(models), KEYS if keys is None else keys, {ANNA: Person(ANNA, "anna")})


@dataclass(frozen=True)
class Rig:
    """A served gateway."""

    url: str
    gateway: Gateway
    http: aiohttp.ClientSession
    client: openai.AsyncOpenAI

    def in_flight(self) -> int:
        return sum(self.gateway.dispatcher.in_flight(launch_id) for launch_id in self.gateway.board.launch_ids())


@asynccontextmanager
async def serving(*, refreshed: bool = False) -> AsyncIterator[str]:
    """The application at a port of its own; yields its URL."""
    from modelyard.asgi import application
    from modelyard.edge import BoundedProtocol

    lifespan.start(refreshed=refreshed)
    config = uvicorn.Config(
        application, lifespan="off", http=BoundedProtocol, ws="websockets-sansio", log_config=None, access_log=False
    )
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0), backlog=2048) as listener:
        running = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            async with asyncio.timeout(10):
                while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
                    await asyncio.sleep(0.005)
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = server.force_exit = True
            await running
            await lifespan.stop()


@asynccontextmanager
async def rig(*models: CatalogModel) -> AsyncIterator[Rig]:
    """A gateway that knows these models and the key `SECRET`; its routes stand still."""
    headers = {"Authorization": f"Bearer {SECRET}"}
    async with serving() as url, aiohttp.ClientSession(url, headers=headers) as http, client(url) as official:
        gateway = lifespan.current()
        gateway.update(snapshot(*models))
        yield Rig(url, gateway, http, official)


def client(url: str, secret: str = SECRET) -> openai.AsyncOpenAI:
    """The official client; close it, or use it as a context manager."""
    return openai.AsyncOpenAI(base_url=f"{url}/v1", api_key=secret, max_retries=0, timeout=20)


async def eventually(look: Any, *, within: float = 5.0) -> None:
    """Wait until `look()` is true."""
    async with asyncio.timeout(within):
        while not look():  # noqa: ASYNC110 - it looks at another process
            await asyncio.sleep(0.01)
