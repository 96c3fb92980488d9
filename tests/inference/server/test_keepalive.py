"""Streams that wait: comments in their pauses, and only there."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from inference.protocol.stream import KEEP_ALIVE
from inference.server.keepalive import Events

Serve = Callable[..., Awaitable[Any]]


class Written:
    """What a stream's client got."""

    def __init__(self) -> None:
        self.data = b""

    async def write(self, data: bytes) -> None:
        self.data += data


class Worker:
    """The service, as far as it is asked here."""

    def __init__(self, *, moves: bool) -> None:
        self.config = type("Config", (), {"keepalive_s": 0.01})
        self.moves = lambda: moves


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/completions"])
async def test_a_stream_that_waits_for_its_first_token_gets_comments(serve: Serve, path: str) -> None:
    served = await serve({"hang_after_tokens": 0}, keepalive_s=0.02)
    body = {**served.hello, "prompt": "one", "stream": True}
    async with served.client.post(path, json=body) as response:
        said = b""
        while said.count(KEEP_ALIVE) < 3:
            said += await response.content.readany()
    assert response.status == 200
    events = said.replace(KEEP_ALIVE, b"")
    assert events.count(b'"role":"assistant"') == (path == "/v1/chat/completions") == events.count(b"data: ")


async def test_a_stream_that_flows_gets_none(serve: Serve) -> None:
    served = await serve({"token_delay_ms": 1}, keepalive_s=5.0)
    async with served.client.post("/v1/chat/completions", json={**served.hello, "stream": True}) as response:
        assert KEEP_ALIVE not in await response.read()


@pytest.mark.parametrize(
    ("last", "moves", "commented"),
    [
        (b"data: 1\n\n", True, True),
        (b"data: 1\r\n\r\n", True, True),
        (b"data: ha", True, False),
        (b"\n\n", False, False),
    ],
)
async def test_neither_half_an_event_is_interrupted_nor_a_stalled_engine_excused(
    last: bytes, moves: bool, *, commented: bool
) -> None:
    stream: Any = Written()
    worker: Any = Worker(moves=moves)
    events = Events(stream)
    await events.write(last)
    began = events.written_at
    beating = asyncio.create_task(events.keep_alive(worker))
    async with asyncio.timeout(5):
        # It looks again after each pause.
        while events.written_at < began + 2 * worker.config.keepalive_s:  # noqa: ASYNC110
            await asyncio.sleep(0.005)
    beating.cancel()
    assert (KEEP_ALIVE in stream.data) is commented
