"""Two thousand clients at once, and a thousand streams that say nothing: what the web process needs for them."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import psutil
import pytest
from yard import free_port, until

pytestmark = [pytest.mark.processes, pytest.mark.slow_fault, pytest.mark.timeout(120)]

ROOT = Path(__file__).parents[2]
CLIENTS, IDLE = 2000, 1000
MEMORY_OF_IDLE_MB = 100


@pytest.fixture
def server() -> Iterator[tuple[psutil.Process, int]]:
    """The consumers of the API behind our protocol, without workers: the process and its port."""
    port = free_port()
    command = ["-m", "uvicorn", "--loop", "uvloop", "--http", "modelyard.edge:BoundedProtocol", "--backlog", "4096"]
    process = subprocess.Popen(
        [sys.executable, *command, "--no-access-log", "--port", str(port), "endless_app:application"],
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests" / "support")])},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    running = psutil.Process(process.pid)
    try:
        until(lambda: [seen for seen in running.net_connections() if seen.status == psutil.CONN_LISTEN])
        yield running, port
    finally:
        process.kill()
        process.wait()


@asynccontextmanager
async def asking(port: int, path: str) -> AsyncIterator[asyncio.StreamReader]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
    try:
        yield reader
    finally:
        writer.transport.abort()


async def status(port: int) -> bytes:
    async with asking(port, "/stopped") as reader:
        return (await reader.readline()).strip()


async def test_two_thousand_clients_at_once_are_all_answered(server: tuple[psutil.Process, int]) -> None:
    _, port = server
    async with asyncio.timeout(60):
        answers = await asyncio.gather(*(status(port) for _ in range(CLIENTS)))
    assert answers == [b"HTTP/1.1 200 OK"] * CLIENTS


async def test_a_thousand_idle_streams_need_little_memory_and_no_threads(server: tuple[psutil.Process, int]) -> None:
    process, port = server
    await status(port)
    before, threads = process.memory_info().rss, process.num_threads()
    async with asyncio.timeout(60), AsyncExitStack() as open_streams:
        for _ in range(IDLE):
            reader = await open_streams.enter_async_context(asking(port, "/endless"))
            await reader.readuntil(b"data: first\n\n")
        grown_mb = (process.memory_info().rss - before) / 1e6
        assert process.num_threads() == threads
        assert await status(port) == b"HTTP/1.1 200 OK"
    print(f"{IDLE} idle streams: {grown_mb:.0f} MB, {threads} threads")
    assert grown_mb <= MEMORY_OF_IDLE_MB
