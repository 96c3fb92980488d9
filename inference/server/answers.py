"""Generated text as an answer: whole, or as a stream of events."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import orjson
from aiohttp import web

from inference.engines.base import Delta, TokenEngine
from inference.protocol.responses import (
    Choice,
    Identity,
    Usage,
    chat_completion,
    chat_identity,
    completion,
    completion_identity,
)
from inference.protocol.stream import CONTENT_TYPE, ChatChunks, ChunkEncoder, CompletionChunks
from inference.server.accounting import ACCOUNT, closing
from inference.server.drafts import Collector, Editor, Generation, LogprobsFormat
from inference.server.generation import ChoiceSpec, generate_all, pump_all, running, settle
from inference.server.keepalive import Events, kept_alive
from inference.server.keys import SERVICE, STREAM
from inference.server.logprobs import ChatLogprobs, CompletionLogprobs
from inference.server.steps import Steps, steps_for

_STREAM_HEADERS = {
    "Content-Type": CONTENT_TYPE,
    "Cache-Control": "no-cache",
    # Reverse proxies such as nginx hold back what they do not know to be a stream.
    "X-Accel-Buffering": "no",
}


class _Whole(Protocol):
    def __call__(self, identity: Identity, choices: Sequence[Choice], *, usage: Usage) -> dict[str, Any]: ...


@dataclass(frozen=True, slots=True)
class Format:
    """How one endpoint words its answers; `chunks` is called with an identity and `include_usage`."""

    identity: Callable[[str, str], Identity]
    chunks: Callable[..., ChunkEncoder]
    whole: _Whole
    logprobs: LogprobsFormat


CHAT = Format(chat_identity, ChatChunks, chat_completion, ChatLogprobs)
COMPLETION = Format(completion_identity, CompletionChunks, completion, CompletionLogprobs)


async def answer(http: web.Request, engine: TokenEngine, *, generation: Generation, form: Format) -> web.StreamResponse:
    """Generate, and answer in the way that the request asks for."""
    service = http.app[SERVICE]
    identity = form.identity(service.config.name, service.fingerprint)
    request, specs = generation.request, generation.specs
    account = http.get(ACCOUNT)
    if account is not None:
        account.follow(generation)
    if request.stream:
        encoder = form.chunks(identity, include_usage=request.include_usage)
        steps = steps_for(encoder, generation, form=form.logprobs, token_bytes=engine.token_bytes)
        return await _stream(http, engine, specs=specs, encoder=encoder, steps=steps)
    collector = Collector(len(specs))
    await generate_all(engine, specs, collector.deliver)
    choices = await Editor(generation, engine.token_bytes, form.logprobs).choices(specs, collector.drafts)
    usage = generation.usage([draft[-1] for draft in collector.drafts])
    if account is not None:
        account.finish = choices[0].finish_reason
    return json_response(form.whole(identity, choices, usage=usage))


def json_response(body: object, *, status: int = 200) -> web.Response:
    """A JSON answer."""
    return web.Response(body=orjson.dumps(body), status=status, content_type="application/json")


async def _stream(
    http: web.Request, engine: TokenEngine, *, specs: Sequence[ChoiceSpec], encoder: ChunkEncoder, steps: Steps
) -> web.StreamResponse:
    async with running(engine, specs) as runs:
        await settle(runs)
        stream = web.StreamResponse(headers=_STREAM_HEADERS)
        await stream.prepare(http)
        http[STREAM] = stream
        async with kept_alive(stream, http.app[SERVICE]) as events:
            await events.write(b"".join(encoder.start(run.index) for run in runs))
            await pump_all(runs, _Writer(events, steps).deliver)
    await stream.write(encoder.end(steps.usage()) + closing(http, finish=steps.finish))
    await stream.write_eof()
    return stream


class _Writer:
    """Writes each delta as it comes, with one write."""

    def __init__(self, events: Events, steps: Steps) -> None:
        self._events = events
        self._steps = steps

    async def deliver(self, index: int, delta: Delta) -> None:
        if data := self._steps.encode(index, delta):
            await self._events.write(data)
