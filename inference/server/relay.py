"""Requests whose engine is another server: admitted and counted as any, answered as that server does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any

from aiohttp import web

from inference.engines.base import Answer, Capability, ProxyEngine
from inference.protocol.body import parse_body
from inference.protocol.capabilities import ENDPOINTS, TOKENIZER
from inference.protocol.content import check_parts
from inference.protocol.errors import BadRequest
from inference.protocol.responses import Usage
from inference.server.accounting import ACCOUNT, closing
from inference.server.foreign_errors import first_error, in_our_envelope
from inference.server.keepalive import kept_alive
from inference.server.keys import REQUEST_ID, SERVICE, STREAM
from inference.server.meter import Meter
from inference.server.middleware import Handler
from inference.server.usage_wanted import Shown, wanted

_NEEDS: dict[str, Capability | None] = {
    **{path: Capability(name) for name, path in ENDPOINTS.items()},
    **dict.fromkeys(TOKENIZER.values()),
}
# Of the answer; all others are about a connection that is not our client's.
_KEPT = ("Content-Type", "Cache-Control", "Retry-After", "X-Accel-Buffering")
# Seconds that a stream's client waits for its headers: what comes until then can still be an answer with a status.
_REFUSES_WITHIN_S = 5.0


@web.middleware
async def hand_over(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Relay what the loaded engine answers itself; everything else goes its way."""
    proxied = isinstance(request.app[SERVICE].loaded, ProxyEngine)
    if not proxied or request.method != "POST" or request.path not in _NEEDS:
        return await handler(request)
    body = await request.read()
    service = request.app[SERVICE]
    asked = parse_body(body)
    check_parts(asked, service.config.image_hosts)
    with service.counted(_model_of(asked), _NEEDS[request.path]) as engine:
        assert isinstance(engine, ProxyEngine)
        # Only for the gateway, who bills by it; a client of ours alone gets what it asked for byte by byte.
        body, shown = wanted(asked, body) if ACCOUNT in request else (body, None)
        forwarding = engine.forward(request.path, body, headers={"X-Request-Id": request[REQUEST_ID]})
        # Until it says something: of a whole answer that is not waited for nobody knows what it took.
        _count(request, Usage(0, 0), exact=False)
        async with forwarding as answer:
            return await _relay(request, answer, shown)


def _model_of(body: dict[str, Any]) -> str:
    model = body.get("model")
    if not isinstance(model, str):
        raise BadRequest("'model' is required, and must be a string.", param="model", code="missing_required_parameter")
    return model


async def _relay(request: web.Request, answer: Answer, shown: Shown | None) -> web.StreamResponse:
    headers = {name: answer.headers[name] for name in _KEPT if name in answer.headers}
    if not answer.headers.get("Content-Type", "").startswith("text/event-stream"):
        # Whole, so that a server which dies in the middle leaves a client with an error and not with half an answer.
        body = b"".join([piece async for piece in answer.body])
        if answer.status >= HTTPStatus.BAD_REQUEST:
            return _refused(request, body, answer.status)
        _meter(request, Meter(streamed=False), body)
        return web.Response(status=answer.status, headers=headers, body=body)
    async with _reading(answer) as first:
        # vLLM checks some of a request only when it has said 200 already.
        await asyncio.wait({first}, timeout=_REFUSES_WITHIN_S)
        if first.done() and (error := first_error(first.result())):
            return _refused(request, *error)
        stream = web.StreamResponse(status=answer.status, headers=headers)
        await stream.prepare(request)
        request[STREAM] = stream
        return await _stream(request, _pieces(first, answer), shown)


async def _stream(request: web.Request, pieces: AsyncIterator[bytes], shown: Shown | None) -> web.StreamResponse:
    stream, meter = request[STREAM], Meter(streamed=True)
    try:
        async with kept_alive(stream, request.app[SERVICE]) as events:
            async for piece in pieces:
                meter.note(piece)
                if seen := shown.pass_on(piece) if shown else piece:
                    await events.write(seen)
            if shown and (rest := shown.last()):
                await events.write(rest)
    finally:
        _meter(request, meter)
    await stream.write(closing(request))
    await stream.write_eof()
    return stream


@asynccontextmanager
async def _reading(answer: Answer) -> AsyncIterator[asyncio.Task[bytes]]:
    """The first piece of an answer, on its way; nobody reads any more when the block is left."""
    first = asyncio.create_task(_next(answer.body))
    try:
        yield first
    finally:
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)


async def _next(body: AsyncIterator[bytes]) -> bytes:
    return await anext(body, b"")


async def _pieces(first: asyncio.Task[bytes], answer: Answer) -> AsyncIterator[bytes]:
    yield await first
    async for piece in answer.body:
        yield piece


def _refused(request: web.Request, body: bytes, status: int) -> web.Response:
    _count(request, Usage(0, 0))
    return web.Response(status=status, body=in_our_envelope(body, status), content_type="application/json")


def _meter(request: web.Request, meter: Meter, body: bytes = b"") -> None:
    meter.note(body)
    usage, finish, exact = meter.result()
    _count(request, usage, finish=finish, exact=exact)


def _count(request: web.Request, usage: Usage, *, finish: str = "", exact: bool = True) -> None:
    if ACCOUNT in request:
        request[ACCOUNT].counted(usage, finish=finish, exact=exact)
