"""The pages' websocket: questions in, answers out as they grow, and the models' states as they change.

A page may follow any number of answers at once, its own of a moment ago or those of before it was reloaded. Closing it
ends nothing.
"""

from __future__ import annotations

import asyncio
import contextvars
import logging
import time
import uuid
from collections.abc import Coroutine
from typing import Any
from urllib.parse import urlsplit

import orjson
from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings
from django.utils import translation
from pydantic import TypeAdapter

from inference.protocol.body import parse_body
from inference.protocol.errors import ApiError, Forbidden, PayloadTooLarge
from openai_api import lifespan
from openai_api.caller import Caller
from openai_api.gateway import Gateway
from pages import database
from pages.answers import current
from pages.answers.answer import GrowingAnswer
from pages.answers.audience import Room
from pages.answers.giving import Answers
from pages.answers.keeping import stopped
from pages.answers.pace import Pace
from pages.answers.reasons import told
from pages.chat import asking, shown
from pages.chat.asking import Begun, Question
from pages.chat.states import described
from pages.chat.words import SPOKEN, Again, Ask, Continue, Follow, Spoken, Stop, Watch, understood
from pages.errors import NothingHere, PagesError
from pages.languages import of_socket
from pages.models import State
from registry.catalog import CatalogModel

logger = logging.getLogger(__name__)

LOGGED_OUT = 4401  # close codes from 4000 on are ours to choose
FOREIGN_ORIGIN = 4403


class ChatConsumer(AsyncWebsocketConsumer):  # type: ignore[misc]  # channels has no types
    """One open page."""

    gateway: Gateway
    answers: Answers
    spoken: TypeAdapter[Any] = SPOKEN  # what this page may say
    _tasks: set[asyncio.Task[None]]
    _followed: dict[uuid.UUID, asyncio.Task[Any] | None]
    _is_in = False
    _context: contextvars.Context  # has the reader's language

    async def connect(self) -> None:
        """Let members in, from our own pages only."""
        self._tasks, self._followed = set(), {}
        translation.activate(of_socket(self.scope))  # for this page only: each has its own context
        self._context = contextvars.copy_context()
        # A refusal has to accept first: browsers do not tell a page why a handshake failed.
        await self.accept()
        if not self._from_our_pages():
            await self.close(code=FOREIGN_ORIGIN)
        elif not self.scope["user"].is_authenticated:
            await self.close(code=LOGGED_OUT)
        else:
            self.gateway, self.answers, self._is_in = lifespan.current(), current.current(), True
            self._begin(self._show_models())

    async def disconnect(self, code: int) -> None:
        """The page is gone; its answers go on."""
        for task in list(self._tasks):
            task.cancel()
        if self._is_in:
            self.answers.audience.leave(self._begun_elsewhere)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """A message of the page: see `words`."""
        if not await self._is_still_in():
            await self.close()  # the page connects again, and hears then whether somebody is logged in
            return
        raw = (text_data or "").encode()
        try:
            if len(raw) > settings.MODELYARD_MAX_BODY_BYTES:
                raise PayloadTooLarge(settings.MODELYARD_MAX_BODY_BYTES)
            await self._obey(understood(parse_body(raw), self.spoken))
        except ApiError as error:
            await self._say("error", text=told(error))
        except PagesError as error:
            await self._say("error", text=str(error))

    async def _is_still_in(self) -> bool:
        """Whether there is the session that this page was opened in: logging out in another tab ends it."""
        session = self.scope.get("session")
        return session is None or bool(await database.run(self.scope["user"].pk, session.exists, session.session_key))

    async def _obey(self, words: Spoken) -> None:
        match words:
            case Ask():
                question = Question(
                    text=words.text,
                    model=words.model,
                    conversation=words.conversation,
                    parent=words.parent,
                    edited=words.edited,
                    without=words.without,
                    attachments=[item.model_dump(exclude_none=True) for item in words.attachments],
                    system=words.system,
                    parameters=words.parameters,
                )
                await self._give(await self._kept(asking.ask, question))
            case Again():
                again = {"model": words.model, "parameters": words.parameters}
                await self._give(await self._kept(asking.ask_again, words.message, **again))
            case Continue():
                await self.answers.until_kept(words.message)
                await self._give(await self._kept(asking.go_on, words.message, parameters=words.parameters))
            case Stop():
                await self._kept(asking.answer_of, words.message)
                await self.answers.stop(words.message)
                await database.run(words.message, stopped, words.message)
            case Follow():
                self._begin(self._follow(words.message))
            case Watch():
                await self._watch(words)

    async def _kept(self, store: Any, *given: Any, **more: Any) -> Any:
        return await database.run(self.scope["user"].pk, store, self.scope["user"].pk, *given, **more)

    async def _give(self, begun: Begun) -> None:
        """Show the question, ask the model, and show the answer as it grows."""
        answer = self._growing(begun.answer.id)
        if begun.earlier is not None:
            self.answers.forget(answer.id)
            await asyncio.to_thread(answer.go_on_from, begun.answer.text, begun.earlier)
        await self._say("begun", **await self._drawn(begun))
        try:
            await self.gateway.wait_until_loaded()
            call = self.gateway.call("chat", begun.body, caller=self._caller(), request_id=f"chat_{uuid.uuid4().hex}")
        except ApiError as error:
            answer.end(State.FAILED, error=told(error))
            await self.answers.keep(answer)
        else:
            self.answers.start(answer, call)
        self._begin(self._follow(answer.id, known=True))
        self.answers.audience.join(self._room(begun.conversation.id), self._begun_elsewhere)
        self.answers.audience.tell(self._room(begun.conversation.id), begun, besides=self._begun_elsewhere)

    async def _watch(self, words: Watch) -> None:
        """Tell what this page has missed, and what comes."""
        # First this, so that nothing falls between the look and the listening.
        self.answers.audience.join(self._room(words.conversation), self._begun_elsewhere)
        leaf = await self._kept(asking.leaf_of, words.conversation)
        if leaf != words.leaf:
            await self._say("moved", conversation=str(words.conversation), message=str(leaf))

    def _room(self, conversation: uuid.UUID) -> Room:
        return self.scope["user"].pk, conversation

    def _begun_elsewhere(self, begun: Begun) -> None:
        """Another page of this person's has asked."""
        self._begin(self._accompany(begun))

    async def _accompany(self, begun: Begun) -> None:
        await self._say("begun", elsewhere=True, **await self._drawn(begun))
        await self._follow(begun.answer.id, known=True)

    async def _drawn(self, begun: Begun) -> dict[str, Any]:
        return await database.run(self.scope["user"].pk, shown.begun, begun)

    def _growing(self, number: uuid.UUID) -> GrowingAnswer:
        return GrowingAnswer(number, Pace(asked_at=time.monotonic()))

    def _caller(self) -> Caller:
        person = self.gateway.board.person(self.scope["user"].pk)
        if person is None:
            raise Forbidden("Your account is not active any more. Ask an administrator.")
        return Caller(person=person)

    async def _follow(self, number: uuid.UUID, *, known: bool = False) -> None:
        """Tell of an answer until it is over, or that it is not there. `known` to be this person's."""
        # Who asks twice wants to hear it from the beginning, and nothing twice.
        if before := self._followed.get(number):
            before.cancel()
        self._followed[number] = asyncio.current_task()
        try:
            if not known:
                await self._kept(asking.answer_of, number)
            await self._tell(number)
        except NothingHere as error:
            await self._say("gone", message=str(number), text=str(error))

    async def _tell(self, number: uuid.UUID) -> None:
        """One that another process gives is looked up now and then."""
        if (answer := self.answers.find(number)) is not None:
            async for message in answer.follow():
                await self.send(text_data=orjson.dumps(message).decode())
        else:
            async for message in shown.from_its_row(number):
                await self.send(text_data=orjson.dumps(message).decode())
        await self._say("done", **await database.run(number, shown.done, number, answer))

    async def _show_models(self) -> None:
        board = self.gateway.board
        await board.loaded.wait()
        while True:
            changed = board.changed
            models = [described(model) for model in board.catalog.models if chats(model)]
            await self._say("models", models=models)
            await changed.wait()

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work, context=self._context.copy())
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if task.cancelled() or (error := task.exception()) is None:
            return
        logger.error("A page could not be told.", exc_info=error)

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


def chats(model: CatalogModel) -> bool:
    """Whether it may be asked here; until a worker told what it can do, it may."""
    return not model.capabilities or "chat" in model.capabilities
