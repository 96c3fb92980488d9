"""Clients that never read what they asked for."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from urllib.parse import urlsplit

import orjson
import psutil
import pytest
from aiohttp import web
from gateway_rig import QUESTION, SECRET, Rig, eventually, model, rig
from stub_replica import stub

from modelyard import edge

pytestmark = [pytest.mark.processes, pytest.mark.slow_fault]

CLIENTS = 50
EVENT = b"data: " + b"x" * 65_536 + b"\n\n"
# What lies on the way for each: in this process, which is the gateway and the replica; in the kernel's buffers as well.
MOST_HELD_MB, MOST_SENT_MB = 3, 40


@asynccontextmanager
async def unread(here: Rig) -> AsyncIterator[None]:
    """A client that asks for an answer without an end and reads nothing of it."""
    body = orjson.dumps({"model": "echo", "stream": True, "messages": QUESTION})
    head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {SECRET}\r\n"
    address = urlsplit(here.url)
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.setblocking(False)
        await asyncio.get_running_loop().sock_connect(client, (address.hostname, address.port))
        client.send(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        yield


async def test_they_are_held_back_without_memory_and_cut_off_in_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(edge, "ENVIRONMENT", replace(edge.ENVIRONMENT, send_timeout_s=15.0))
    sent, process = 0, psutil.Process()

    async def flood(request: web.Request) -> web.StreamResponse:
        nonlocal sent
        stream = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await stream.prepare(request)
        while True:
            await stream.write(EVENT)
            sent += len(EVENT)

    async with stub(flood) as endless, rig(model("echo", endless)) as here, AsyncExitStack() as stack:
        before = process.memory_info().rss
        for _ in range(CLIENTS):
            await stack.enter_async_context(unread(here))
        await eventually(lambda: here.in_flight() == CLIENTS, within=30)
        stalled_at = -1
        while sent != stalled_at:
            stalled_at = sent
            await asyncio.sleep(1)
        grown_mb = (process.memory_info().rss - before) / 1e6
        assert here.in_flight() == CLIENTS
        await eventually(lambda: here.in_flight() == 0, within=60)
    print(f"{CLIENTS} clients that read nothing: {grown_mb:+.0f} MB, {sent / 1e6:.0f} MB sent in all")
    assert grown_mb < CLIENTS * MOST_HELD_MB
    assert sent < CLIENTS * MOST_SENT_MB * 1e6
