"""From an authenticated request to a replica's answer; the API and the chat page both come through here."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.conf import settings

from inference.protocol.chat import ChatCompletionRequest
from inference.protocol.completions import CompletionRequest
from inference.protocol.embeddings import EmbeddingRequest
from inference.protocol.errors import ServiceUnavailable
from inference.protocol.requests import ApiRequest
from inference.protocol.tokens import DetokenizeRequest, TokenizeRequest
from openai_api.board import Board, Snapshot
from openai_api.call import Call, Outcome
from openai_api.caller import Caller, admitted, bearer, client_hash
from openai_api.limits.ending import settled_first
from openai_api.limits.holding import Limits
from openai_api.relay import Answer
from openai_api.routing.dispatcher import Dispatcher
from openai_api.routing.lookup import resolve
from openai_api.upstream import Upstream
from openai_api.usage.books import Books, begun
from openai_api.usage.metering import metered
from registry.catalog import CatalogModel

logger = logging.getLogger(__name__)

FIRST_READ_S = 5.0
KEY_USE_NOTED_EVERY_S = 60.0

# Which request an endpoint takes, by what it asks of a model.
REQUESTS: Mapping[str, type[ApiRequest]] = {
    "chat": ChatCompletionRequest,
    "completions": CompletionRequest,
    "embeddings": EmbeddingRequest,
    "tokenize": TokenizeRequest,
    "detokenize": DetokenizeRequest,
}


class Gateway:
    """One event loop's board, ways to replicas and connections."""

    def __init__(self, board: Board, upstream: Upstream) -> None:
        self.board = board
        self.dispatcher = Dispatcher(upstream, board)
        self.limits = Limits(board)
        self._uses = KeyUses()
        self.books = Books(upstream, self._address, self._settle)

    def update(self, snapshot: Snapshot) -> None:
        """Take what the rows say now."""
        self.board.update(snapshot)
        self.dispatcher.update()

    async def wait_until_loaded(self) -> None:
        """Right after the start the routes may still be on their way. Raises 503 when they do not come."""
        if self.board.loaded.is_set():
            return
        try:
            async with asyncio.timeout(FIRST_READ_S):
                await self.board.loaded.wait()
        except TimeoutError:
            raise ServiceUnavailable("The server is starting: it could not read its database yet.") from None

    def authenticate(self, authorization: str, *, client: str = "") -> Caller:
        """Whose request it is, by its Authorization header and its network address. Raises 401."""
        hashed = client_hash(client, secret=settings.SECRET_KEY)
        given = bearer(authorization)
        known = self.board.key(given) if given else None
        if known is None and settings.MODELYARD_ANONYMOUS:
            return Caller(client=hashed)
        key = admitted(known, now=datetime.now(UTC), given=bool(given))
        self._uses.note(key.id, now=time.monotonic())
        return Caller(key=key, person=self.board.person(key.user_id), client=hashed)

    def call(self, capability: str, body: dict[str, Any], *, caller: Caller, request_id: str) -> Call:
        """The request, checked, with its model. Raises 400, 404 or 503."""
        request = REQUESTS[capability].parse(body, images=settings.MODELYARD_IMAGE_HOSTS)
        model = resolve(self.models(caller), request.model, capability=capability)
        return Call(model, capability, body, request, caller, request_id)

    def models(self, caller: Caller) -> Mapping[str, CatalogModel]:
        """The models that this caller may ask, by their public names. Others are unknown to it."""
        everything = self.board.models
        if caller.key is None or not caller.key.allowed_models:
            return everything
        return {name: model for name, model in everything.items() if caller.may_ask(model.name)}

    @asynccontextmanager
    async def answer(self, call: Call) -> AsyncIterator[Answer]:
        """The answer of a replica. Leaving the block, however it happens, closes the request there at once."""
        outcome = begun(call)
        # The stack is left first: a worker is asked what an aborted request took when it was hung up on.
        async with self.books.following(call, outcome), AsyncExitStack() as stack:
            held = await self.limits.hold(call)
            answer = metered(await self.dispatcher.first_answer(held.call, stack, outcome), outcome)
            chunks = answer.chunks
            if held.counted and answer.streams:
                chunks = settled_first(chunks, lambda: self._settle(outcome))
            yield Answer(answer.status, {**answer.headers, **held.headers}, chunks, answer.accounting)

    async def _settle(self, outcome: Outcome) -> None:
        await self.limits.settle(outcome.id, outcome.used)

    def _address(self, launch_id: UUID) -> str | None:
        replicas = (replica for model in self.board.catalog.models for replica in model.replicas)
        return next((replica.address for replica in replicas if replica.launch_id == launch_id), None)

    def used_keys(self) -> Iterable[int]:
        """Keys whose use is due to be noted in their rows."""
        return self._uses.take()


@dataclass(slots=True)
class _Use:
    noted_at: float
    due: bool


class KeyUses:
    """Which keys were used, each taken at most once a minute."""

    def __init__(self) -> None:
        self._uses: dict[int, _Use] = {}

    def note(self, key_id: int, *, now: float) -> None:
        """A key was used; `now` in seconds of a monotonic clock."""
        use = self._uses.get(key_id)
        if use is None or now - use.noted_at >= KEY_USE_NOTED_EVERY_S:
            self._uses[key_id] = _Use(now, due=True)

    def take(self) -> list[int]:
        """The keys to write down now."""
        due = [key_id for key_id, use in self._uses.items() if use.due]
        for key_id in due:
            self._uses[key_id].due = False
        return due
