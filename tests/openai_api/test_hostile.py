"""What a client may do wrong on purpose: over raw sockets, since no HTTP library sends such things."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from echo_worker import EchoWorker
from error_shape import assert_envelope
from gateway_rig import QUESTION, SECRET, Rig, eventually, model, rig

from modelyard import edge
from registry.catalog import Replica

pytestmark = pytest.mark.processes

CHAT = "/v1/chat/completions"
ASK: dict[str, Any] = {"model": "echo", "messages": QUESTION}
OURS = f"POST {CHAT} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {SECRET}\r\n".encode()
JSON = b"Content-Type: application/json\r\n"


@asynccontextmanager
async def connected(here: Rig, *, receive_buffer: int = 0) -> AsyncIterator[tuple[asyncio.StreamReader, Any]]:
    """A raw connection to the gateway."""
    host, port = here.url.removeprefix("http://").split(":")
    plain = socket.socket()
    if receive_buffer:
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    plain.setblocking(False)
    await asyncio.get_running_loop().sock_connect(plain, (host, int(port)))
    reader, writer = await asyncio.open_connection(sock=plain, limit=1024)
    try:
        yield reader, writer
    finally:
        writer.transport.abort()


async def said(here: Rig, raw: bytes, *, within: float = 5) -> tuple[int, dict[str, str], bytes]:
    """The first response to these bytes, as it came; status 0 when the connection just ended."""
    async with asyncio.timeout(within), connected(here) as (reader, writer):
        writer.write(raw)
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            status, *lines = head.decode("latin-1").split("\r\n")
            headers = dict(line.lower().split(": ", 1) for line in lines if line)
            body = await reader.readexactly(int(headers.get("content-length", 0)))
        except (asyncio.IncompleteReadError, ConnectionError):
            return 0, {}, b""
        return int(status.split()[1]), headers, body


def posted(body: bytes, *headers: bytes) -> bytes:
    """A whole request."""
    return OURS + JSON + b"".join(headers) + b"Content-Length: %d\r\n\r\n" % len(body) + body


@pytest.fixture
def limits(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Sets the edge's limits."""
    return lambda **changes: monkeypatch.setattr(edge, "ENVIRONMENT", replace(edge.ENVIRONMENT, **changes))


WRONG_HTTP = {
    "not HTTP": b"\x16\x03\x01 hello\r\n\r\n",
    "two lengths": OURS + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
    "a length and chunks": OURS + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a negative length": OURS + b"Content-Length: -5\r\n\r\n",
    "chunks that lie": OURS + JSON + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
    "chunks and more": OURS + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    "a chunk's length with a sign": OURS + JSON + b"Transfer-Encoding: chunked\r\n\r\n+2\r\n{}\r\n0\r\n\r\n",
    "an encoding under another name": OURS + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "a length in hexadecimal": OURS + b"Content-Length: 0x2\r\n\r\n{}",
    "two lengths in one": OURS + b"Content-Length: 2, 2\r\n\r\n{}",
    "lines that end with LF alone": OURS.replace(b"\r\n", b"\n") + b"Content-Length: 0\n\n",
    "a header over two lines": OURS + b"X-A: 1\r\n 2\r\nContent-Length: 0\r\n\r\n",
    "a space before the colon": OURS + b"Content-Length : 0\r\n\r\n",
    "a NUL in a header": OURS + b"X-A: a\x00b\r\n\r\n",
    "a path of no ASCII": b"GET /v1/\xff\xfe HTTP/1.1\r\nHost: a\r\n\r\n",
}


async def test_what_is_no_clean_http_is_a_400_and_ends_the_connection() -> None:
    async with rig() as here:
        for what, raw in WRONG_HTTP.items():
            status, headers, body = await said(here, raw)
            assert (status, headers["connection"]) == (400, "close"), what
            assert_envelope(json.loads(body), "bad_request")


LONG_HEADERS = {
    "many": b"X-A: b\r\n" * 101 + b"\r\n",
    "long": b"X-A: " + b"b" * 40_000 + b"\r\n\r\n",
    "long and without an end": b"X-A: " + b"b" * 40_000,
    "a name without an end": b"X-" + b"a" * 40_000,
}


async def test_headers_over_the_limit_are_a_431() -> None:
    async with rig() as here:
        for what, headers in LONG_HEADERS.items():
            status, _, body = await said(here, OURS + headers)
            assert status == 431, what
            assert "100 headers" in assert_envelope(json.loads(body), "request_header_fields_too_large")


async def test_who_never_ends_the_headers_is_hung_up_on(limits: Any) -> None:
    limits(header_timeout_s=0.3)
    slow = ((b"GET / HTTP/1.1\r\nX-", b"a"), (b"", b"\r\n"), (b"", b""))
    async with rig() as here, asyncio.timeout(5):
        await asyncio.gather(*(_hung_up_on(here, first, drop) for first, drop in slow))


async def _hung_up_on(here: Rig, first: bytes, drop: bytes) -> None:
    async with connected(here) as (reader, writer):
        writer.write(first)
        dripping = asyncio.create_task(_drip(writer, drop))
        # A drop that the server has not read yet makes the kernel say it by a reset.
        with suppress(ConnectionResetError):
            assert await reader.read() == b""
        dripping.cancel()


async def _drip(writer: asyncio.StreamWriter, drop: bytes) -> None:
    while not writer.is_closing():
        writer.write(drop)
        await asyncio.sleep(0.02)


async def test_one_connection_too_many_is_told_to_come_back(limits: Any) -> None:
    async with rig() as here:
        limits(max_connections=1)
        async with connected(here):
            status, headers, body = await said(here, b"GET /health HTTP/1.1\r\nHost: a\r\n\r\n")
            assert (status, headers["retry-after"]) == (503, "5")
            assert_envelope(json.loads(body), "service_unavailable")


async def test_who_never_reads_is_cut_off_and_the_worker_stops(limits: Any) -> None:
    limits(send_timeout_s=0.3)
    sent, hung_up = 0, asyncio.Event()

    async def flood(request: web.Request) -> web.StreamResponse:
        nonlocal sent
        stream = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await stream.prepare(request)
        try:
            while True:
                await stream.write(b"data: " + b"x" * 65_536 + b"\n\n")
                sent += 65_536
        finally:
            hung_up.set()

    async with upstream(flood) as replica, rig(model("echo", replica)) as here:
        await _never_read(here, until=hung_up)
    assert sent < 40_000_000  # what sockets and buffers hold on the way


async def _never_read(here: Rig, *, until: asyncio.Event) -> None:
    async with asyncio.timeout(5), connected(here, receive_buffer=4096) as (_, writer):
        writer.transport.pause_reading()
        writer.write(posted(json.dumps(ASK | {"stream": True}).encode()))
        await until.wait()
        await eventually(lambda: here.in_flight() == 0)


@asynccontextmanager
async def upstream(answer: Any) -> AsyncIterator[Replica]:
    """A worker of ours that answers as the test wants it."""
    app = web.Application(client_max_size=10_000_000)
    app.router.add_post(CHAT, answer)
    async with TestServer(app) as server:
        yield Replica(uuid4(), f"http://127.0.0.1:{server.port}", ("chat",))


SMUGGLED = b"X-Forwarded-For: 1.2.3.4\r\nCookie: a=b\r\nX-Evil: 1\r\nConnection: X-Evil, keep-alive\r\nTE: trailers\r\n"
EVIL_ANSWER = {"Set-Cookie": "a=b", "X-Internal": "1", "Access-Control-Allow-Origin": "b"}
OF_A_WORKER = {"authorization", "content-type", "accept", "accept-encoding", "x-request-id", "user-agent"}


async def test_only_named_headers_pass_the_relay_in_either_direction() -> None:
    seen: dict[str, str] = {}

    async def answer(request: web.Request) -> web.Response:
        seen.update(request.headers)
        return web.json_response({}, headers=EVIL_ANSWER)

    async with upstream(answer) as replica, rig(model("echo", replica)) as here:
        status, headers, _ = await said(here, posted(json.dumps(ASK).encode(), SMUGGLED))
    ours = {name.lower() for name in seen if not name.startswith("X-Modelyard-")}
    assert ours <= OF_A_WORKER | {"host", "content-length"}
    assert SECRET not in str(seen)
    assert status == 200
    assert not {"set-cookie", "x-internal"} & set(headers)
    assert headers["access-control-allow-origin"] == "*"


async def test_a_request_in_chunks_reaches_the_worker_with_a_length() -> None:
    seen: list[tuple[str | None, str | None, bytes]] = []

    async def answer(request: web.Request) -> web.Response:
        length, encoding = (request.headers.get(name) for name in ("Content-Length", "Transfer-Encoding"))
        seen.append((length, encoding, await request.read()))
        return web.json_response({})

    body = json.dumps(ASK).encode()
    chunked = OURS + JSON + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
    async with upstream(answer) as replica, rig(model("echo", replica)) as here:
        assert (await said(here, chunked))[0] == 200
    [(length, encoding, arrived)] = seen
    assert (length, encoding) == (str(len(arrived)), None)


async def test_a_large_request_reaches_the_worker_with_a_length() -> None:
    lengths: list[tuple[str | None, int]] = []

    async def answer(request: web.Request) -> web.Response:
        lengths.append((request.headers.get("Content-Length"), len(await request.read())))
        return web.json_response({})

    body = json.dumps(ASK | {"messages": [{"role": "user", "content": "x" * 3_000_000}]}).encode()
    async with upstream(answer) as replica, rig(model("echo", replica)) as here:
        assert (await said(here, posted(body)))[0] == 200
    [(announced, arrived)] = lengths
    assert announced == str(arrived)
    assert arrived > 3_000_000


async def test_a_request_line_leads_to_our_own_endpoints_and_to_nobody_else() -> None:
    key = b"\r\nHost: a\r\nAuthorization: Bearer %b\r\n\r\n" % SECRET.encode()
    async with rig() as here:
        for url in (b"http://10.0.0.5:1/v1/models", b"https://a:b@127.0.0.1:1/v1/models"):
            status, _, body = await said(here, b"GET " + url + b" HTTP/1.1" + key)
            assert (status, json.loads(body)) == (200, {"object": "list", "data": []})
        status, _, _ = await said(here, b"CONNECT 10.0.0.5:443 HTTP/1.1" + key)
        assert status == 400


async def test_a_body_that_is_not_said_to_be_json_is_a_415() -> None:
    async with rig() as here:
        for kind in (b"text/plain", b"application/x-www-form-urlencoded", b"multipart/form-data; boundary=a"):
            status, _, body = await said(here, OURS + b"Content-Type: " + kind + b"\r\nContent-Length: 2\r\n\r\n{}")
            assert status == 415
            assert "Content-Type: application/json" in assert_envelope(json.loads(body), "unsupported_media_type")


async def test_a_body_over_the_limit_and_one_that_ends_early_leave_the_server_well(worker: EchoWorker) -> None:
    async with rig(model("echo", worker.replica)) as here:
        status, _, body = await said(here, posted(b'{"model":"echo","messages":"' + b"x" * 9_900_000 + b'"}'))
        assert (status, list(json.loads(body))) == (400, ["error"])
        status, _, body = await said(here, OURS + JSON + b"Content-Length: 10000001\r\n\r\n{")
        assert status == 413
        assert_envelope(json.loads(body), "request_too_large")
        for part in (b"", b"{", b'{"model":"echo"'):
            async with connected(here) as (_, writer):
                writer.write(OURS + JSON + b"Content-Length: 100\r\n\r\n" + part)
                await writer.drain()
        answer = await here.client.chat.completions.create(model="echo", messages=QUESTION)
        assert answer.choices[0].message.content == "one two three"
