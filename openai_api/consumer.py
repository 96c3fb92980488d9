"""An HTTP consumer that notices when its client hangs up, and that answers every error in OpenAI's envelope."""

from __future__ import annotations

import asyncio
import logging
import os
import re
from collections.abc import Awaitable, Callable, Mapping
from functools import lru_cache
from typing import Any, ClassVar

from channels.generic.http import AsyncHttpConsumer
from django.conf import settings

from inference.protocol.errors import (
    ApiError,
    InternalServerError,
    MethodNotAllowed,
    PayloadTooLarge,
    RequestTimeout,
)
from inference.protocol.stream import DONE, error_event
from openai_api.errors import ClientGone, UnsupportedBody

logger = logging.getLogger(__name__)

Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

ANY_ORIGIN = "*"
EXPOSED = ", ".join(
    (
        *("X-Request-Id", "Retry-After", "X-RateLimit-Limit-Requests", "X-RateLimit-Limit-Tokens"),
        *("X-RateLimit-Remaining-Requests", "X-RateLimit-Remaining-Tokens"),
        *("X-RateLimit-Reset-Requests", "X-RateLimit-Reset-Tokens"),
        "*",  # the others of ours; browsers that do not know the star take the names
    )
)
# What a page may call: the inference API, and nothing of who runs it.
FOR_PAGES = ("/v1", "/tokenize", "/detokenize")
PREFLIGHT = {"access-control-allow-headers": "Authorization, *", "access-control-max-age": "86400"}
# Longer than the last event of a stream.
TAIL = 16
_REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")


class StreamingConsumer(AsyncHttpConsumer):  # type: ignore[misc]  # channels has no types
    """`handle()` runs in a task that is cancelled the moment the client is gone. Holds no database connection."""

    methods: ClassVar[tuple[str, ...]] = ("GET",)
    _watching: asyncio.Task[None] | None = None

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        # Not the stock dispatch: it awaits each handler before it looks at the next event, so it never sees a
        # disconnect during a stream, and it visits a thread for the database on every event.
        self.scope = scope
        self.base_send = send
        self.method: str = scope["method"]
        # Of several with one name the first counts.
        self._headers: dict[bytes, bytes] = dict(reversed(list(scope["headers"])))
        self.request_id = self._request_id()
        self._started = self._complete = False
        self._tail = b""  # of what was sent: whether an event is open, and whether the stream said that it ended
        # A task of its own also for the sake of time: what waits for a chunk is entered from its task's bottom each
        # time, and the server, its middleware and the routers are six coroutines.
        answering = asyncio.create_task(self._answer(receive))
        try:
            await answering
        except asyncio.CancelledError:
            # Either the client left, which is a way to end, or the server wants us to end.
            if (us := asyncio.current_task()) is None or us.cancelling():
                raise
        finally:
            if self._watching is not None:
                self._watching.cancel()

    async def authorize(self) -> None:
        """Before the body is read: raise an `ApiError` to refuse the request."""

    async def send_headers(self, *, status: int = 200, headers: Mapping[str, str] | None = None) -> None:
        """Begin the response."""
        self._started = True
        encoded = [_encoded(*pair) for pair in {**self._cors(), **(headers or {})}.items()]
        encoded.append((b"x-request-id", self.request_id.encode("latin-1")))
        await self.base_send({"type": "http.response.start", "status": status, "headers": encoded})

    def send_body(self, body: bytes, *, more_body: bool = False) -> Awaitable[None]:
        """A part of the response; without `more_body` its last one."""
        self._complete = not more_body
        self._tail = body[-TAIL:] if len(body) >= TAIL else (self._tail + body)[-TAIL:]
        return self.base_send({"type": "http.response.body", "body": body, "more_body": more_body})

    async def send_events(self, events: bytes) -> None:
        """A part of a stream of events; the closing mark ends the response, and what comes after it is nobody's."""
        if not self._complete:
            await self.send_body(events, more_body=not events.endswith(DONE))

    async def end_events(self, last: bytes = b"") -> None:
        """End a stream of events, after a last one; every stream ends with the closing mark, and has it once."""
        if self._complete:
            return
        ended = self._tail.endswith(DONE)
        # What a dying worker left half would swallow the event after it.
        gap = b"" if not self._tail or self._tail.endswith(b"\n\n") else b"\n\n"
        await self.send_body(b"" if ended else gap + last + DONE)

    async def send_response(self, status: int, body: bytes, *, headers: Mapping[str, str] | None = None) -> None:
        """A whole response; JSON unless the headers say otherwise."""
        default = {"content-type": "application/json", "content-length": str(len(body))}
        await self.send_headers(status=status, headers=default | dict(headers or {}))
        await self.send_body(b"" if self.method == "HEAD" else body)

    def header(self, name: bytes) -> str:
        """A request header by its lower-case name; empty when there is none."""
        return self._headers.get(name, b"").decode("latin-1")

    def client_address(self) -> str:
        """The network address of who asks; a proxy on this machine is believed."""
        return (self.scope.get("client") or ("",))[0]

    async def _answer(self, receive: Receive) -> None:
        try:
            if self.method == "OPTIONS":
                await self._preflight()
                return
            self._check_method()
            await self.authorize()
            body = await self._read_body(receive)
            self._watching = asyncio.create_task(self._disconnected(receive, asyncio.current_task()))
            await self.handle(body)
        except ClientGone:
            return
        except ApiError as error:
            await self._refuse(error)
        except Exception:  # the edge: a bug must end as an answer, and its traceback in the log
            logger.exception("Request %s to %s failed.", self.request_id, self.scope["path"])
            await self._refuse(InternalServerError())

    async def _refuse(self, error: ApiError) -> None:
        if not self._started:
            await self.send_response(error.status, error.as_bytes(), headers=error.headers)
        elif not self._complete:
            await self.end_events(error_event(error))

    def _check_method(self) -> None:
        allowed = (*self.methods, "HEAD") if "GET" in self.methods else self.methods
        if self.method not in allowed:
            # `self.method` is what the client sent: servers pass on any token.
            message = f"{self.method[:20]} is not allowed here; use {' or '.join(self.methods)}."
            raise MethodNotAllowed(message, headers={"Allow": ", ".join((*allowed, "OPTIONS"))})

    async def _read_body(self, receive: Receive) -> bytes:
        limit: int = settings.MODELYARD_MAX_BODY_BYTES
        announced = self.header(b"content-length")
        if announced.isdecimal() and int(announced) > limit:
            raise PayloadTooLarge(limit)
        self._check_encoding()
        body = bytearray()
        idle_s: float = settings.MODELYARD_BODY_IDLE_S
        whole_s: float = settings.MODELYARD_BODY_TIMEOUT_S
        time = asyncio.get_running_loop().time
        last = time() + whole_s
        try:
            async with asyncio.timeout(min(idle_s, whole_s)) as patience:
                while await self._read_part(receive, body):
                    if len(body) > limit:
                        raise PayloadTooLarge(limit)
                    patience.reschedule(min(time() + idle_s, last))
        except TimeoutError:
            if time() >= last:
                raise RequestTimeout(f"The request body did not arrive within {whole_s:g} s.") from None
            raise RequestTimeout(f"Nothing more of the request body arrived for {idle_s:g} s.") from None
        if len(body) > limit:
            raise PayloadTooLarge(limit)
        return bytes(body)

    async def _read_part(self, receive: Receive, body: bytearray) -> bool:
        """Whether more is to come."""
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        body += message.get("body", b"")
        return bool(message.get("more_body"))

    def _check_encoding(self) -> None:
        encoding = self.header(b"content-encoding").strip().lower()
        if encoding not in {"", "identity"}:
            # A small compressed body can be a huge one: nothing is unpacked here.
            raise UnsupportedBody(f"A body in the encoding '{encoding[:40]}' is not read here: send it as it is.")

    async def _disconnected(self, receive: Receive, answering: asyncio.Task[None] | None) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        # Servers also say `disconnect` once a response is whole; then what follows it may run to its end.
        if not self._complete and answering is not None:
            answering.cancel()

    async def _preflight(self) -> None:
        allowed = ", ".join((*self.methods, "OPTIONS"))
        headers = {"allow": allowed, "access-control-allow-methods": allowed, **PREFLIGHT}
        await self.send_headers(status=204, headers=headers)
        await self.send_body(b"")

    def _request_id(self) -> str:
        given = self.header(b"x-request-id")
        return given if _REQUEST_ID.fullmatch(given) else f"req_{os.urandom(16).hex()}"

    def _cors(self) -> Mapping[str, str]:
        """Which pages may read the answer. Keys are in the call itself, no cookie is looked at here."""
        if not self.scope["path"].startswith(FOR_PAGES):
            return {}
        allowed: frozenset[str] = settings.MODELYARD_CORS_ORIGINS
        if ANY_ORIGIN in allowed:
            return {"access-control-allow-origin": ANY_ORIGIN, "access-control-expose-headers": EXPOSED}
        origin = self.header(b"origin")
        named = {"access-control-allow-origin": origin, "access-control-expose-headers": EXPOSED}
        return {"vary": "Origin", **(named if origin in allowed else {})}


@lru_cache(maxsize=512)  # mostly the same ones
def _encoded(name: str, value: str) -> tuple[bytes, bytes]:
    return name.lower().encode("latin-1"), value.encode("latin-1")
