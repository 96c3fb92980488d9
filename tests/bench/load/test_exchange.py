"""What the client makes of a server's bytes, and of leaving."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from bench.load.exchange import Exchange, Leave, exchange
from bench.load.target import Target

HEAD = b"HTTP/1.1 200 OK\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"


@asynccontextmanager
async def server(*answer: bytes, stays: bool = False) -> AsyncIterator[tuple[Target, asyncio.Event]]:
    """Sends the pieces of its answer; the event says that the client went away."""
    left = asyncio.Event()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        for piece in answer:
            writer.write(piece)
            await writer.drain()
        if stays and not await reader.read():
            left.set()
        writer.close()

    async with await asyncio.start_server(handle, "127.0.0.1", 0) as listening:
        yield Target(f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/v1", "m"), left


def body(found: Exchange) -> bytes:
    return b"".join(piece for _, piece in found.pieces)


@pytest.mark.parametrize(
    ("answer", "complete", "content"),
    [
        ((CHUNKED, b"2\r\nab\r\n", b"1\r\nc\r\n0\r\n\r\n"), True, b"abc"),
        ((HEAD + b"Content-Length: 3\r\n\r\n", b"abc"), True, b"abc"),
        ((HEAD + b"\r\n", b"abc"), True, b"abc"),
        ((CHUNKED, b"2\r\nab\r\n"), False, b"ab"),
        ((HEAD + b"Content-Length: 9\r\n\r\n", b"abc"), False, b"abc"),
        ((), False, b""),
        ((b"nonsense\r\n",), False, b""),
    ],
)
async def test_an_answer_is_whole_or_an_error(answer: tuple[bytes, ...], complete: bool, content: bytes) -> None:
    async with server(*answer) as (target, _):
        found = await exchange(target, target.get("/"))
    assert (found.complete, bool(found.error), body(found)) == (complete, not complete, content)


@pytest.mark.parametrize("leave", [Leave(pieces=1), Leave(seconds=0.01)])
async def test_who_leaves_is_gone_for_the_server(leave: Leave) -> None:
    async with server(CHUNKED + b"2\r\nab\r\n", stays=True) as (target, left):
        found = await exchange(target, target.get("/"), leave)
        async with asyncio.timeout(5):
            await left.wait()
    assert (found.left, found.error, found.status) == (True, "", 200)


async def test_a_server_that_says_nothing_is_given_up() -> None:
    async with server(stays=True) as (target, left):
        found = await exchange(target, target.get("/"), timeout_s=0.01)
        async with asyncio.timeout(5):
            await left.wait()
    assert "within 0.01 s" in found.error
