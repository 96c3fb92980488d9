"""The client that asks replicas takes no answer for more, or less, than it is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from gateway_rig import eventually

from openai_api.upstream import MOST_HELD, Connection, Upstream

Server = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
WHOLE = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@asynccontextmanager
async def served(answer: Server) -> AsyncIterator[tuple[Upstream, str]]:
    async def answers(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await answer(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(answers, "127.0.0.1", 0)
    upstream = Upstream()
    yield upstream, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    upstream.close()
    server.close()


def saying(*parts: bytes) -> Server:
    """Answers each request with the next of these, and hangs up after the last."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for part in parts:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(part)
            await writer.drain()

    return answer


async def asked(upstream: Upstream, address: str, *, silence_s: float = 5.0) -> Connection:
    connection = await upstream.connection(address)
    await connection.ask("GET", "/", headers={}, silence_s=silence_s)
    return connection


async def test_a_connection_whose_answer_came_whole_takes_the_next_request() -> None:
    async with served(saying(WHOLE, WHOLE)) as (upstream, address):
        first = await asked(upstream, address)
        assert (first.status, await first.rest()) == (200, b"ok")
        first.release()
        assert await upstream.connection(address) is first


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nok", "it was hung up on", id="not read to its end"),
        pytest.param(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok", "", id="it says so"),
        pytest.param(WHOLE + WHOLE, "nobody asked for the second", id="an answer too many"),
    ],
)
async def test_a_connection_that_cannot_be_trusted_any_more_is_not_used_again(answer: bytes, why: str) -> None:
    async with served(saying(answer, WHOLE)) as (upstream, address):
        first = await asked(upstream, address)
        assert await first.read() == b"ok", why
        first.release()
        second = await asked(upstream, address)
        assert second is not first


async def test_words_before_the_answer_are_not_the_answer() -> None:
    async with served(saying(b"HTTP/1.1 103 Early Hints\r\nx: 1\r\n\r\n" + WHOLE)) as (upstream, address):
        connection = await asked(upstream, address)
        assert (connection.status, connection.header("x"), await connection.rest()) == (200, "", b"ok")


async def test_an_answer_without_a_length_ends_with_its_connection_and_one_with_a_length_is_cut_by_that() -> None:
    async with served(saying(b"HTTP/1.1 200 OK\r\n\r\nok")) as (upstream, address):
        assert await (await asked(upstream, address)).rest() == b"ok"
    async with served(saying(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nok")) as (upstream, address):
        with pytest.raises(ConnectionResetError, match="cut"):
            await (await asked(upstream, address)).rest()


async def test_what_is_no_http_is_an_error() -> None:
    async with served(saying(b"220 mail.example ESMTP\r\n")) as (upstream, address):
        with pytest.raises(ConnectionAbortedError, match="no answer"):
            await asked(upstream, address)


async def test_a_head_without_an_end_is_an_error() -> None:
    async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nX-")
        while True:
            writer.write(b"a" * 4096)
            await writer.drain()

    async with served(endless) as (upstream, address):
        with pytest.raises(ConnectionAbortedError, match="does not end"):
            await asked(upstream, address)


async def test_a_server_that_says_nothing_is_waited_for_only_so_long() -> None:
    async with served(saying(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", b"")) as (upstream, address):
        connection = await asked(upstream, address, silence_s=0.05)
        with pytest.raises(TimeoutError, match="nothing came"):
            await connection.read()
        connection.release()


async def test_no_more_is_read_than_is_taken() -> None:
    sent = 0

    async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            writer.write(b"1000\r\n" + b"x" * 4096 + b"\r\n")
            await writer.drain()
            sent += 4096

    async with served(endless) as (upstream, address):
        connection = await asked(upstream, address)
        await eventually(lambda: connection._paused)
        assert len(await connection.read()) < 4 * MOST_HELD
        assert await connection.read()
        connection.release()


async def test_a_header_cannot_hide_another_one() -> None:
    async with served(saying(WHOLE)) as (upstream, address):
        connection = await upstream.connection(address)
        with pytest.raises(ValueError, match="line break"):
            await connection.ask("GET", "/", headers={"X-Request-Id": "a\r\nX-Admin: 1"}, silence_s=1)
        connection.hang_up()
