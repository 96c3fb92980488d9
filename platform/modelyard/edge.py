"""uvicorn's HTTP protocol with the bounds that it lacks: on headers, on waiting, and on the number of connections.

Stock uvicorn closes idle connections only *after* a response: whoever sends a header's byte now and then, or never
reads what it asked for, holds a connection for ever. Used as `uvicorn --http modelyard.edge:BoundedProtocol`.
"""

from __future__ import annotations

import asyncio
import math
import os
import resource
from http import HTTPStatus
from typing import Any, cast

import orjson
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from modelyard import env

MAX_HEADERS = 100
MAX_HEADER_BYTES = 32_768  # all of them together, with the request line
FULL_RETRY_S = 5
BODY_GRACE_S = 5.0  # the consumers answer a slow body with 408; what is not theirs is cut this much later
LAST_REQUEST_S = 1.0  # for who is connected and asks nothing when the server ends
ENVIRONMENT = env.read(os.environ)
_HEAD = b"HTTP/1."


class JoinedWrites:
    """A transport that sends a response's head together with what follows at once.

    uvicorn writes it by itself: that is a packet, and a client woken up, for nothing.
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._head = b""
        # Of all that goes through `__getattr__` these are asked for with every request.
        self.is_closing, self.get_extra_info = transport.is_closing, transport.get_extra_info

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Now, but a head at the end of this turn of the loop, if nothing takes it along before."""
        if self._head:
            data, self._head = self._head + data, b""
        elif data.startswith(_HEAD):
            self._head = data
            self._loop.call_soon(self._flush)
            return
        self._transport.write(data)

    def close(self) -> None:
        """Nothing that was written is lost."""
        self._flush()
        self._transport.close()

    def _flush(self) -> None:
        # A client may have gone between.
        if self._head and not self._transport.is_closing():
            self.write(b"")


class BoundedProtocol(HttpToolsProtocol):
    """One connection. A client has a time for its headers, for its body, and for taking what it asked for."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # For the client to send: until when it may take its time, and a timer that looks then or before.
        self._deadline = math.inf
        self._waiting: asyncio.TimerHandle | None = None
        self._looks_at = math.inf
        self._unread: asyncio.TimerHandle | None = None  # for the client to read
        self._in_headers = False
        self._header_bytes = self._parsed_bytes = self._header_count = 0
        self._refused = self._last = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Counted in, or told to come back later."""
        super().connection_made(cast(asyncio.Transport, JoinedWrites(transport, self.loop)))
        if len(self.connections) > ENVIRONMENT.max_connections:
            message = f"The server has {ENVIRONMENT.max_connections} open connections, its limit; please try again."
            self._refuse(HTTPStatus.SERVICE_UNAVAILABLE, message, kind="server_error")
        else:
            self._wait(ENVIRONMENT.header_timeout_s)

    def connection_lost(self, exc: Exception | None) -> None:
        """No timer outlives its connection."""
        if self._waiting is not None:
            self._waiting.cancel()
        self._must_read(None)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parsed, as long as the headers keep to their limits."""
        if self._refused:
            return
        before = self._header_bytes if self._in_headers else 0
        super().data_received(data)
        # The parser tells of a header once it is whole: one that never ends is counted by what arrived.
        if self._in_headers and not self._refused:
            self._header_bytes = before + len(data)
            if self._header_bytes > MAX_HEADER_BYTES:
                self._refuse_headers()

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        self._in_headers = True
        self._header_bytes = self._parsed_bytes = self._header_count = 0

    def on_header(self, name: bytes, value: bytes) -> None:
        """Called for each header once it is whole."""
        self._header_count += 1
        self._parsed_bytes += len(name) + len(value)
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """The headers are there: from now on the client has time for its body."""
        self._in_headers = False
        if self._header_count > MAX_HEADERS or len(self.url) + self._parsed_bytes > MAX_HEADER_BYTES:
            self._refuse_headers()
            return
        if not self._refused:
            self._wait(ENVIRONMENT.body_timeout_s + BODY_GRACE_S)
            super().on_headers_complete()
            if self._last:
                self.cycle.keep_alive = False

    def on_body(self, body: bytes) -> None:
        """A part of the body; of a refused request nobody wants it."""
        if not self._refused:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """The client has said all; the next word is ours."""
        self._wait(None)
        if not self._refused:
            super().on_message_complete()

    def on_response_complete(self) -> None:
        """The next request may come, on this connection too."""
        super().on_response_complete()
        if self.transport.is_closing():
            self._wait(None)
            # Closing waits until the client has read the rest, and the kernel sets no limit to that.
            if self._unread is None and self.transport.get_write_buffer_size():
                self._must_read(ENVIRONMENT.send_timeout_s)
        elif self.cycle.response_complete:
            self._wait(LAST_REQUEST_S if self._last else ENVIRONMENT.header_timeout_s)

    def pause_writing(self) -> None:
        """The client reads slower than we send."""
        super().pause_writing()
        self._must_read(ENVIRONMENT.send_timeout_s)

    def resume_writing(self) -> None:
        """The client has caught up."""
        super().resume_writing()
        self._must_read(None)

    def shutdown(self) -> None:
        """The server ends. Whoever may believe that this connection stays open has a moment to ask once more."""
        self._last = True
        cycle: RequestResponseCycle | None = self.cycle
        if cycle is None or cycle.response_complete:
            self._wait(LAST_REQUEST_S)
        elif not cycle.response_started:
            cycle.keep_alive = False  # the head of this response says it

    def timeout_keep_alive_handler(self) -> None:
        """Nothing came for a while after a response."""
        self._cut()

    def send_400_response(self, msg: str) -> None:
        """What is no HTTP is refused in the format of the API too."""
        self._refuse(HTTPStatus.BAD_REQUEST, "This is not a valid HTTP request.")

    def _refuse_headers(self) -> None:
        limits = f"{MAX_HEADERS} headers and {MAX_HEADER_BYTES} bytes"
        message = f"The request's headers are over the limit of this server: {limits}."
        self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, message)

    def _refuse(self, status: HTTPStatus, message: str, *, kind: str = "invalid_request_error") -> None:
        if self._refused or self.transport.is_closing():
            return
        self._refused = True
        cycle: RequestResponseCycle | None = self.cycle
        # In the middle of another answer there is no place for this one: it would be taken for a part of that.
        if cycle is None or cycle.response_complete or not cycle.response_started:
            self.transport.write(_answer(status, message, kind=kind))
        if cycle is not None and not cycle.response_complete:
            cycle.disconnected = True
            cycle.message_event.set()
        self.transport.close()
        self._must_read(ENVIRONMENT.send_timeout_s)

    def _wait(self, seconds: float | None) -> None:
        # A request has four of these; a timer that is there already looks again when it finds the deadline moved.
        self._deadline = math.inf if seconds is None else self.loop.time() + seconds
        if self._deadline < self._looks_at:
            if self._waiting is not None:
                self._waiting.cancel()
            self._look_at(self._deadline)

    def _look_at(self, moment: float) -> None:
        self._looks_at = moment
        self._waiting = None if moment == math.inf else self.loop.call_at(moment, self._look)

    def _look(self) -> None:
        if self.loop.time() < self._deadline:
            self._look_at(self._deadline)
        else:
            self._cut()

    def _must_read(self, seconds: float | None) -> None:
        if self._unread is not None:
            self._unread.cancel()
        self._unread = None if seconds is None else self.loop.call_later(seconds, self.transport.abort)

    def _cut(self) -> None:
        if self.transport.get_write_buffer_size():
            self.transport.abort()
        else:
            self.transport.close()


def raise_file_limit() -> None:
    """A connection is a file, and so is the one to its worker: take as many as this account may have."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _answer(status: HTTPStatus, message: str, *, kind: str) -> bytes:
    body = orjson.dumps({"error": {"message": message, "type": kind, "param": None, "code": status.name.lower()}})
    head = b"content-type: application/json\r\ncontent-length: %d\r\nconnection: close\r\n" % len(body)
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        head += b"retry-after: %d\r\n" % FULL_RETRY_S
    return STATUS_LINE[status] + head + b"\r\n" + body


raise_file_limit()
