"""Connections to replicas: a client of HTTP/1.1 that does what the gateway needs of one, and little else.

A general client's requests take a third of the gateway's processor time. What is parsed, httptools parses.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import cast
from urllib.parse import urlsplit

import httptools

CONNECT_S = 2.0
# For which a connection waits for the next request; workers wait for longer.
KEPT_S = 15.0
# Bytes that came and nobody has taken yet, from which on nothing more is read.
MOST_HELD = 2**17
# Bytes of a head that is not over yet.
MOST_HEAD = 2**16
# Addresses to remember; each launch of a worker has another one.
MOST_ADDRESSES = 1024
_FRAMED = frozenset({b"content-length", b"transfer-encoding"})


@dataclass(frozen=True, slots=True)
class _Where:
    host: str
    port: int
    tls: bool
    name: str  # for the header Host
    prefix: str


class Upstream:
    """One event loop's connections to all replicas.

    There is no limit of them: how much a replica takes is for its engine to say. Without a context of `tls`, what the
    machine trusts is good. The environment's proxies are for others.
    """

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self._tls = tls
        self._idle: defaultdict[str, list[Connection]] = defaultdict(list)

    async def connection(self, address: str) -> Connection:
        """One that nobody else uses until it is released. Raises `OSError`, also when it takes too long."""
        idle = self._idle[address]
        while idle:
            if (known := idle.pop()).taken():
                return known
        if len(self._idle) > MOST_ADDRESSES:
            self._idle = defaultdict(list, {address: idle})
        where = _where(address)
        tls = (self._tls or _trusted()) if where.tls else None
        connecting = asyncio.get_running_loop().create_connection(
            lambda: Connection(where, idle), where.host, where.port, ssl=tls
        )
        try:
            async with asyncio.timeout(CONNECT_S):
                return (await connecting)[1]
        except TimeoutError:
            raise TimeoutError(f"no connection within {CONNECT_S:g} s") from None

    def close(self) -> None:
        """Close what waits for a request."""
        for idle in self._idle.values():
            for connection in list(idle):
                connection.hang_up()


class Connection(asyncio.Protocol):
    """One request at a time: `ask`, then `read` until nothing more comes, then `release`."""

    def __init__(self, where: _Where, idle: list[Connection]) -> None:
        self.status = 0
        self._where = where
        self._idle = idle
        self._loop = asyncio.get_running_loop()
        self._parser = httptools.HttpResponseParser(self)
        self._transport: asyncio.Transport
        self._headers: dict[bytes, bytes] = {}
        # Of the answer: whether its head is here, and all of it. Without a request there is nothing to come.
        self._headed, self._ended = False, True
        self._head_bytes = 0
        self._reusable = True
        self._lost: OSError | None = None
        self._pieces: list[bytes] = []
        self._held = 0
        self._paused = False
        self._waiter: asyncio.Future[None] | None = None
        self._waits_since = 0.0
        self._silence_s = 0.0
        # While a request is on its way it watches for silence, between two for nobody coming.
        self._timer: asyncio.TimerHandle | None = None

    async def ask(
        self, method: str, path: str, *, headers: Mapping[str, str], body: bytes = b"", silence_s: float
    ) -> None:
        """Send a request and wait for the head of its answer; the headers' values are Latin-1 without line breaks.

        Raises `TimeoutError` when nothing comes for `silence_s`, here as in `read`, and `OSError` when the connection
        is cut.
        """
        request = _head(method, self._where, path, headers={**headers, "Content-Length": str(len(body))}) + body
        self.status, self._headed, self._ended = 0, False, False
        self._headers, self._head_bytes = {}, 0
        self._silence_s = silence_s
        self._timer = self._loop.call_later(silence_s, self._look)
        self._transport.write(request)
        while not self._headed:
            await self._more()

    def header(self, name: str) -> str:
        """A header of the answer by its lower-case name; empty when there is none."""
        return self._headers.get(name.encode(), b"").decode("latin-1")

    async def read(self) -> bytes:
        """What has arrived of the body, once there is something; empty at its end."""
        while not self._pieces:
            if self._ended:
                return b""
            await self._more()
        pieces, self._pieces, self._held = self._pieces, [], 0
        if self._paused:
            self._paused = False
            self._transport.resume_reading()
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    async def rest(self) -> bytes:
        """All of the body that was not read yet."""
        parts = []
        while part := await self.read():
            parts.append(part)
        return b"".join(parts)

    def release(self) -> None:
        """The request is over. Unless all of its answer came, this hangs up."""
        self._set_timer(None)
        if not self._ended or not self._reusable or self._transport.is_closing():
            self.hang_up()
            return
        self._pieces.clear()
        if self._paused:
            self._paused = False
            self._transport.resume_reading()
        self._timer = self._loop.call_later(KEPT_S, self.hang_up)
        self._idle.append(self)

    def taken(self) -> bool:
        """Whether it is still good for the next request, whose it is now."""
        self._set_timer(None)
        return not self._transport.is_closing()

    def hang_up(self) -> None:
        """At once, whatever is on its way."""
        self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Connected, and with TLS the handshake done."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's own are no children of asyncio's

    def data_received(self, data: bytes) -> None:
        """Something of an answer. What is none, or comes unasked, ends the connection."""
        if not self._headed:
            if self._head_bytes > MOST_HEAD:
                self._refuse("its head does not end")
                return
            self._head_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._refuse(str(error))
        self._wake()

    def connection_lost(self, error: Exception | None) -> None:
        """The other side is gone. That ends an answer whose end nothing else tells."""
        self._set_timer(None)
        if self in self._idle:
            self._idle.remove(self)
        if self._headed and error is None and not _FRAMED & self._headers.keys():
            self._ended = True
        elif self._lost is None:
            self._lost = ConnectionResetError("the connection was cut")
            self._lost.__cause__ = error
        del self._parser  # it knows us
        self._wake()

    def on_message_begin(self) -> None:
        """The parser sees an answer."""
        if self._ended:
            raise ConnectionAbortedError("nothing was asked")

    def on_header(self, name: bytes, value: bytes) -> None:
        """The parser has a header."""
        self._headers[name.lower()] = value

    def on_headers_complete(self) -> None:
        """The parser has the head."""
        self.status = self._parser.get_status_code()
        self._headed = self.status >= 200  # before that come words that are no answer yet
        if not self._headed:
            self._headers = {}

    def on_body(self, body: bytes) -> None:
        """The parser has a part of the body."""
        self._pieces.append(body)
        self._held += len(body)
        if self._held > MOST_HELD and not self._paused:
            self._paused = True
            self._transport.pause_reading()

    def on_message_complete(self) -> None:
        """The parser has the whole answer."""
        if self._headed:
            self._ended = True
            self._reusable = self._parser.should_keep_alive()

    def _more(self) -> asyncio.Future[None]:
        # No coroutine: of those that a chunk goes through each costs a fifth of a microsecond.
        if self._lost is not None:
            raise self._lost
        self._waits_since = self._loop.time()
        self._waiter = self._loop.create_future()
        return self._waiter

    def _look(self) -> None:
        # One timer a request, whatever the number of its parts.
        waiting = self._waiter is not None and not self._waiter.done()
        waited = self._loop.time() - self._waits_since if waiting else 0.0
        if waited < self._silence_s:
            self._timer = self._loop.call_later(self._silence_s - waited, self._look)
        elif self._waiter is not None:
            self._waiter.set_exception(TimeoutError(f"nothing came for {waited:.1f} s"))

    def _refuse(self, why: str) -> None:
        self._lost = self._lost or ConnectionAbortedError(f"what came is no answer: {why}")
        self._reusable = False
        self.hang_up()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _set_timer(self, timer: asyncio.TimerHandle | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = timer


def _head(method: str, where: _Where, path: str, *, headers: Mapping[str, str]) -> bytes:
    lines = [f"{method} {where.prefix}{path} HTTP/1.1", f"Host: {where.name}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    text = "\r\n".join(lines)
    if text.count("\r") + text.count("\n") != 2 * len(lines) - 2:
        raise ValueError("a header with a line break would be two")
    return text.encode("latin-1") + b"\r\n\r\n"


@lru_cache(maxsize=MOST_ADDRESSES)
def _where(address: str) -> _Where:
    parts = urlsplit(address)
    tls = parts.scheme == "https"
    return _Where(parts.hostname or "", parts.port or (443 if tls else 80), tls, parts.netloc, parts.path.rstrip("/"))


@cache
def _trusted() -> ssl.SSLContext:
    return ssl.create_default_context()
