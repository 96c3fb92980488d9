"""Thousands of connections at a whole platform: what the web process needs for them, and that nobody is lost."""

from __future__ import annotations

import asyncio
import resource
import socket
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from urllib.parse import urlsplit

import orjson
import psutil
import pytest
from cluster import PATIENCE_S, Cluster
from faultreport import Report

pytestmark = [pytest.mark.processes, pytest.mark.slow_fault, pytest.mark.timeout(400)]

STREAMS, IDLE = 1000, 1000
MEMORY_OF_STREAMS_MB = 100
FILES = 8192


@pytest.fixture(autouse=True)
def many_files() -> Iterator[None]:
    """As many connections as this process needs here."""
    before, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(before, min(FILES, most)), most))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (before, most))


Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]
WELL = b"HTTP/1.1 200 OK\r\n"


class Clients:
    """Plain sockets, which cost this process little."""

    def __init__(self, cluster: Cluster) -> None:
        known = cluster.yard.credentials
        self.port = urlsplit(cluster.yard.url).port
        self.head = f"Host: a\r\nAuthorization: Bearer {known['api_key']}\r\nContent-Type: application/json\r\n"

    @asynccontextmanager
    async def connected(self, *, receive_buffer: int = 0) -> AsyncIterator[Connection]:
        plain = socket.socket()
        if receive_buffer:
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        plain.setblocking(False)
        await asyncio.get_running_loop().sock_connect(plain, ("127.0.0.1", self.port))
        reader, writer = await asyncio.open_connection(sock=plain, limit=2**20)
        try:
            yield reader, writer
        finally:
            writer.transport.abort()

    def asking(self, model: str, text: str, **more: object) -> bytes:
        body = orjson.dumps({"model": model, "stream": True, "messages": [{"role": "user", "content": text}]} | more)
        head = f"POST /v1/chat/completions HTTP/1.1\r\n{self.head}Content-Length: {len(body)}\r\n\r\n"
        return head.encode() + body

    async def stream(self, stack: AsyncExitStack, model: str) -> asyncio.StreamReader:
        """One that has begun."""
        reader, writer = await stack.enter_async_context(self.connected())
        writer.write(self.asking(model, "one two"))
        assert await reader.readline() == WELL
        await reader.readuntil(b'"role":"assistant"')
        return reader

    async def health(self, connection: Connection) -> bytes:
        reader, writer = connection
        writer.write(b"GET /health HTTP/1.1\r\nHost: a\r\n\r\n")
        return await reader.readline()

    async def healthy(self) -> bool:
        """Whether a newcomer is answered."""
        async with self.connected() as connection:
            return await self.health(connection) == WELL


def web(cluster: Cluster) -> psutil.Process:
    return psutil.Process(cluster.pid("web"))


def megabytes(process: psutil.Process) -> float:
    return float(process.memory_info().rss / 1e6)


async def test_a_thousand_streams_and_a_thousand_idle_connections_at_once_lose_nobody(
    cluster: Cluster, report: Report
) -> None:
    cluster.deploy("crowd", replicas=2, delay_ms=20_000)
    cluster.settle(within=PATIENCE_S)
    clients, process = Clients(cluster), web(cluster)
    before, threads, begun = megabytes(process), process.num_threads(), time.monotonic()
    async with asyncio.timeout(300), AsyncExitStack() as stack:
        streams = await asyncio.gather(*(clients.stream(stack, "crowd") for _ in range(STREAMS)))
        seconds, grown, more_threads = time.monotonic() - begun, megabytes(process) - before, process.num_threads()
        idle = [await stack.enter_async_context(clients.connected()) for _ in range(IDLE)]
        assert await clients.healthy()
        note = f"{grown:+.0f} MB, with idle ones {megabytes(process) - before:+.0f}; threads {threads}, {more_threads}"
        assert await asyncio.gather(*map(clients.health, idle)) == [WELL] * IDLE
        rests = await asyncio.gather(*(reader.readuntil(b"data: [DONE]\n\n") for reader in streams))
    assert [b'"content":" two"' in rest for rest in rests] == [True] * STREAMS
    assert await clients.healthy()
    report.add(f"{STREAMS} streams and {IDLE} idle connections at once", seconds, note=note)
    assert grown <= MEMORY_OF_STREAMS_MB
    assert more_threads <= threads + 1
    cluster.forget("crowd")
