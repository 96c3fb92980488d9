"""Generated text as an answer: whole, or as a stream of events."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import orjson
from aiohttp import web

from inference.engines.base import Delta, TokenEngine
from inference.protocol.requests import GenerationRequest
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
from inference.server.generation import ChoiceSpec, pump_all, running, settle
from inference.server.keys import SERVICE, STREAM

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
    """How one endpoint words its answers."""

    identity: Callable[[str, str], Identity]
    chunks: type[ChunkEncoder]
    whole: _Whole


CHAT = Format(chat_identity, ChatChunks, chat_completion)
COMPLETION = Format(completion_identity, CompletionChunks, completion)


@dataclass(frozen=True, slots=True)
class Generation:
    """A validated request with its prompts encoded; a prompt's tokens count once, however many choices it has."""

    request: GenerationRequest
    specs: Sequence[ChoiceSpec]
    prompt_tokens: int


async def answer(http: web.Request, engine: TokenEngine, *, generation: Generation, form: Format) -> web.StreamResponse:
    """Generate, and answer in the way that the request asks for."""
    service = http.app[SERVICE]
    identity = form.identity(service.config.name, service.fingerprint)
    if generation.request.stream:
        encoder = form.chunks(identity, include_usage=generation.request.include_usage)
        return await _stream(http, engine, generation=generation, encoder=encoder)
    collector = _Collector(len(generation.specs))
    async with running(engine, generation.specs) as runs:
        await pump_all(runs, collector.deliver)
    usage = Usage(generation.prompt_tokens, collector.tokens.total())
    return json_response(form.whole(identity, collector.choices(), usage=usage))


def json_response(body: object, *, status: int = 200) -> web.Response:
    """A JSON answer."""
    return web.Response(body=orjson.dumps(body), status=status, content_type="application/json")


async def _stream(
    http: web.Request, engine: TokenEngine, *, generation: Generation, encoder: ChunkEncoder
) -> web.StreamResponse:
    async with running(engine, generation.specs) as runs:
        await settle(runs)
        stream = web.StreamResponse(headers=_STREAM_HEADERS)
        await stream.prepare(http)
        http[STREAM] = stream
        await stream.write(b"".join(encoder.start(run.index) for run in runs))
        writer = _Writer(stream, encoder, choices=len(runs))
        await pump_all(runs, writer.deliver)
    await stream.write(encoder.end(Usage(generation.prompt_tokens, writer.tokens.total())))
    await stream.write_eof()
    return stream


class _Tokens:
    """Tokens generated so far, by choice."""

    def __init__(self, choices: int) -> None:
        self._counts = [0] * choices

    def note(self, index: int, delta: Delta) -> None:
        self._counts[index] = delta.completion_tokens

    def total(self) -> int:
        return sum(self._counts)


class _Writer:
    """Writes each delta as it comes, with one write."""

    def __init__(self, stream: web.StreamResponse, encoder: ChunkEncoder, *, choices: int) -> None:
        self._stream = stream
        self._encoder = encoder
        self.tokens = _Tokens(choices)

    async def deliver(self, index: int, delta: Delta) -> None:
        self.tokens.note(index, delta)
        data = self._encoder.text(index, delta.text) if delta.text else b""
        if delta.finish_reason is not None:
            data += self._encoder.finish(index, delta.finish_reason)
        if data:
            await self._stream.write(data)


class _Collector:
    """Keeps the deltas until all choices are finished."""

    def __init__(self, choices: int) -> None:
        self._texts: list[list[str]] = [[] for _ in range(choices)]
        self._reasons = [""] * choices
        self.tokens = _Tokens(choices)

    async def deliver(self, index: int, delta: Delta) -> None:
        self.tokens.note(index, delta)
        self._texts[index].append(delta.text)
        self._reasons[index] = delta.finish_reason or ""

    def choices(self) -> list[Choice]:
        parts = zip(self._texts, self._reasons, strict=True)
        return [Choice(index, "".join(texts), reason) for index, (texts, reason) in enumerate(parts)]
