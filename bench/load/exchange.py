"""One HTTP exchange: what came when. Nothing is parsed but HTTP, so that the client is cheap while it measures."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast

import httptools

from bench.load.target import Target

TIMEOUT_S = 600.0
_FRAMED = {b"content-length", b"transfer-encoding"}


@dataclass(slots=True)
class Exchange:
    """`pieces` of the body with the times they came at; times in seconds of `time.perf_counter`.

    `status` is 0 when no answer began. `complete` says that the message came to its end as HTTP counts it, `left` that
    we closed the connection first, as asked.
    """

    sent: float
    pieces: list[tuple[float, bytes]] = field(default_factory=list)
    status: int = 0
    ended: float = 0.0
    complete: bool = False
    left: bool = False
    error: str = ""


@dataclass(frozen=True, slots=True)
class Leave:
    """When a client goes away before it has all: after so many pieces of the answer, or so many seconds."""

    pieces: int | None = None
    seconds: float | None = None


STAY = Leave()


class _Connection(asyncio.Protocol):
    def __init__(self, request: bytes, leave: Leave, into: Exchange) -> None:
        self._request = request
        self._leave = leave
        self._exchange = into
        self._parser = httptools.HttpResponseParser(self)
        self._framed = False
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's own are no children of asyncio's
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self.end(f"not HTTP: {error}")

    def connection_lost(self, error: Exception | None) -> None:
        # An answer without a length ends with its connection.
        whole = error is None and self._exchange.status > 0 and not self._framed
        self._exchange.complete = self._exchange.complete or whole
        self.end("" if self._exchange.complete else f"the connection was cut: {error or 'closed by the server'}")

    def on_header(self, name: bytes, value: bytes) -> None:
        self._framed = self._framed or name.lower() in _FRAMED

    def on_headers_complete(self) -> None:
        self._exchange.status = self._parser.get_status_code()

    def on_body(self, body: bytes) -> None:
        pieces = self._exchange.pieces
        pieces.append((time.perf_counter(), body))
        if len(pieces) == self._leave.pieces:
            self.leave()

    def on_message_complete(self) -> None:
        self._exchange.complete = True
        self.end()

    def leave(self) -> None:
        """Go away without a word."""
        self._exchange.left = self._exchange.left or not self.ended.done()
        self.end()

    def end(self, error: str = "") -> None:
        if not self.ended.done():
            self._exchange.ended = time.perf_counter()
            self._exchange.error = error
            self.ended.set_result(None)
        if self._transport is not None:
            self._transport.abort()


async def exchange(
    target: Target,
    request: bytes,
    leave: Leave = STAY,
    *,
    watch: Callable[[Exchange], object] | None = None,
    timeout_s: float = TIMEOUT_S,
) -> Exchange:
    """Send the request and keep what comes; errors of the connection are in the answer, not raised.

    `watch` gets the exchange before anything has come, for who wants to look while it grows.
    """
    loop, found = asyncio.get_running_loop(), Exchange(time.perf_counter())
    host, port = target.address
    if watch is not None:
        watch(found)
    try:
        _, connection = await loop.create_connection(lambda: _Connection(request, leave, found), host, port)
    except OSError as error:
        found.ended, found.error = time.perf_counter(), f"no connection: {error}"
        return found
    timer = loop.call_later(timeout_s, connection.end, f"no whole answer within {timeout_s:g} s")
    leaving = None if leave.seconds is None else loop.call_later(leave.seconds, connection.leave)
    try:
        await connection.ended
    finally:
        connection.leave()  # when cancelled
        for handle in (timer, leaving):
            if handle is not None:
                handle.cancel()
    return found
