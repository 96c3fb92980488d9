"""The chat page's websocket: questions in, words out, and the models' states as they change."""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import orjson
from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings

from inference.protocol.body import parse_body
from inference.protocol.errors import ApiError, BadRequest, Forbidden, InternalServerError, PayloadTooLarge
from openai_api import lifespan
from openai_api.call import Call
from openai_api.caller import Caller
from openai_api.errors import EngineError
from openai_api.events import payloads
from openai_api.gateway import Gateway
from openai_api.relay import Answer
from registry.catalog import CatalogModel

logger = logging.getLogger(__name__)

LOGGED_OUT = 4401  # close codes from 4000 on are ours to choose
FOREIGN_ORIGIN = 4403
FIELDS = ("model", "messages", "temperature", "max_tokens")


@dataclass(slots=True)
class Pace:
    """How fast an answer came, in seconds of a monotonic clock."""

    asked_at: float
    first_at: float | None = None
    last_at: float = 0.0
    tokens: int = 0

    def note(self, now: float) -> None:
        """Some text arrived."""
        self.first_at = self.first_at or now
        self.last_at = now

    def figures(self) -> dict[str, float | int | None]:
        """Time to first token in ms, tokens, and tokens per second after the first; None where there is none."""
        if self.first_at is None:
            return {"ttft_ms": None, "tokens": self.tokens, "tokens_per_second": None}
        seconds = self.last_at - self.first_at
        rate = (self.tokens - 1) / seconds if seconds > 0 and self.tokens > 1 else None
        return {"ttft_ms": (self.first_at - self.asked_at) * 1000, "tokens": self.tokens, "tokens_per_second": rate}


class ChatConsumer(AsyncWebsocketConsumer):  # type: ignore[misc]  # channels has no types
    """One open chat page. It has one answer at a time; a new question ends the one before."""

    gateway: Gateway
    _answering: asyncio.Task[None] | None = None
    _watching: asyncio.Task[None] | None = None

    async def connect(self) -> None:
        """Let members in, from our own pages only."""
        # A refusal has to accept first: browsers do not tell a page why a handshake failed.
        await self.accept()
        if not self._from_our_pages():
            await self.close(code=FOREIGN_ORIGIN)
        elif not self.scope["user"].is_authenticated:
            await self.close(code=LOGGED_OUT)
        else:
            self.gateway = lifespan.current()
            self._watching = asyncio.create_task(self._show_models())

    async def disconnect(self, code: int) -> None:
        """The page is gone: so is whatever it waited for."""
        for task in (self._answering, self._watching):
            await _cancelled(task)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """A message of the page: `ask` or `stop`."""
        raw = (text_data or "").encode()
        try:
            if len(raw) > settings.MODELYARD_MAX_BODY_BYTES:
                raise PayloadTooLarge(settings.MODELYARD_MAX_BODY_BYTES)
            await self._obey(parse_body(raw))
        except ApiError as error:
            await self._say("error", message=error.message)

    async def _obey(self, message: dict[str, Any]) -> None:
        kind = message.get("type")
        if kind not in {"ask", "stop"}:
            raise BadRequest("A message's 'type' must be 'ask' or 'stop'.", param="type")
        await _cancelled(self._answering)
        if kind == "ask":
            self._answering = asyncio.create_task(self._answer_or_explain(message))

    async def _answer_or_explain(self, message: dict[str, Any]) -> None:
        number = message.get("id")
        pace = Pace(asked_at=time.monotonic())
        try:
            # `gather` hands a bug over as a value: the page hears of it, the log gets the traceback.
            [outcome] = await asyncio.gather(self._answer(message, pace), return_exceptions=True)
        except asyncio.CancelledError:
            await self._say("done", id=number, stopped=True, **pace.figures())
            raise
        if isinstance(outcome, ApiError):
            await self._say("error", id=number, message=outcome.message)
        elif isinstance(outcome, BaseException):
            logger.error("An answer for the chat page failed.", exc_info=outcome)
            await self._say("error", id=number, message=InternalServerError().message)

    async def _answer(self, message: dict[str, Any], pace: Pace) -> None:
        number = message.get("id")
        call = await self._call(message)
        reason = None
        async with self.gateway.answer(call) as answer:
            async for payload in payloads((await _accepted(answer)).chunks):
                text, reason = _read(payload, pace, reason)
                if text:
                    pace.note(time.monotonic())
                    await self._say("delta", id=number, text=text)
        await self._say("done", id=number, stopped=False, finish_reason=reason, **pace.figures())

    async def _call(self, message: dict[str, Any]) -> Call:
        await self.gateway.wait_until_loaded()
        person = self.gateway.board.person(self.scope["user"].pk)
        if person is None:
            raise Forbidden("Your account is not active any more. Ask an administrator.")
        body = {name: message[name] for name in FIELDS if message.get(name) is not None}
        body |= {"stream": True, "stream_options": {"include_usage": True}}
        caller = Caller(person=person)
        return self.gateway.call("chat", body, caller=caller, request_id=f"chat_{uuid.uuid4().hex}")

    async def _show_models(self) -> None:
        board = self.gateway.board
        await board.loaded.wait()
        while True:
            changed = board.changed
            models = [_described(model) for model in board.catalog.models if _chats(model)]
            await self._say("models", models=models)
            await changed.wait()

    async def _say(self, kind: str, **content: Any) -> None:
        await self.send(text_data=orjson.dumps({"type": kind, **content}).decode())

    def _from_our_pages(self) -> bool:
        # Cookies ignore ports and go along from anywhere on this host, so the origin has to be ours exactly.
        headers = dict(self.scope["headers"])
        origin = headers.get(b"origin", b"").decode("latin-1")
        if not origin or origin in settings.CSRF_TRUSTED_ORIGINS:
            return True  # no browser leaves it out
        host: str = headers.get(b"host", b"").decode("latin-1")
        return str(urlsplit(origin).netloc) == host


async def _cancelled(task: asyncio.Task[None] | None) -> None:
    if task is not None and not task.done():
        task.cancel()
        await asyncio.wait([task])


async def _accepted(answer: Answer) -> Answer:
    """The answer, if it is a stream. Anything else is an error, whose sentence is raised."""
    if answer.streams:
        return answer
    body = parse_body(b"".join([chunk async for chunk in answer.chunks]))
    raise _engine_error(body.get("error"))


def _engine_error(error: Any) -> EngineError:
    message = error.get("message") if isinstance(error, dict) else None
    return EngineError(str(message or "The engine answered with an error that says nothing."))


def _read(payload: dict[str, Any], pace: Pace, reason: str | None) -> tuple[str, str | None]:
    """The text of a chunk, and why the answer ended as far as is known."""
    if "error" in payload:
        raise _engine_error(payload["error"])
    if usage := payload.get("usage"):
        pace.tokens = usage["completion_tokens"]
    if not (choices := payload.get("choices")):
        return "", reason
    return choices[0]["delta"].get("content") or "", choices[0].get("finish_reason") or reason


def _chats(model: CatalogModel) -> bool:
    return not model.capabilities or "chat" in model.capabilities


def _described(model: CatalogModel) -> dict[str, Any]:
    status = model.status
    sentence = f"{model.name} {status.story}."
    return {"name": model.name, "state": str(status.state), "word": str(status), "sentence": sentence}
