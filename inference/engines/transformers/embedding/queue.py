"""One queue for the texts of all requests, computed batch by batch by the thread that owns the model."""

from __future__ import annotations

import asyncio
import collections
import logging
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from operator import attrgetter

import numpy as np
from numpy.typing import NDArray

from inference.engines.transformers.embedding.batches import BatchLimits, choose_run
from inference.engines.transformers.memory import exhausted
from inference.errors import EngineClosed, EngineOverloaded, InvalidRequest

Vectors = NDArray[np.float32]

logger = logging.getLogger(__name__)

_FULL = "Too many requests for embeddings wait already. Try again in a moment."


@dataclass(eq=False, slots=True)
class _Request:
    """A client's texts; `missing` of them have no vector yet."""

    missing: int
    vectors: Vectors | None = None
    answer: Future[Vectors] = field(default_factory=Future)


@dataclass(eq=False, frozen=True, slots=True)
class _Text:
    length: int
    index: int
    token_ids: Sequence[int]
    request: _Request


class EmbeddingQueue:
    """Collects texts while a batch is computed; the next batch takes from all requests, which go in turns.

    `call` runs something on the thread that owns the model, such as `DecodeLoop.call`; `embed` makes vectors
    [texts, width] of token ids. A request's turn means that its longest text is in the batch, and texts of similar
    length fill it up, whoever sent them: a client with one text waits for a batch of each other client at most.
    """

    def __init__(
        self,
        call: Callable[[Callable[[], None]], Future[None]],
        embed: Callable[[Sequence[Sequence[int]]], Vectors],
        *,
        limits: BatchLimits,
        most_requests: int,
    ) -> None:
        self._call = call
        self._embed = embed
        self._limits = limits
        self._most_requests = most_requests
        # Guards all below: requests come on the event loop's thread, batches run on the model's.
        self._lock = threading.Lock()
        self._turns: collections.deque[_Request] = collections.deque()
        # By ascending length.
        self._waiting: list[_Text] = []
        self._batch: list[_Text] = []
        # Whether a call is on its way; there is one at a time, so that a batch is chosen as late as possible.
        self._calling = False

    async def embed(self, texts: Sequence[Sequence[int]]) -> Vectors:
        """Vectors [texts, width]. Cancelling takes the rest out of the queue. Raises `EngineOverloaded`."""
        request = self._enter(texts)
        try:
            return await asyncio.wrap_future(request.answer)
        finally:
            self._leave({request})

    def _enter(self, texts: Sequence[Sequence[int]]) -> _Request:
        request = _Request(len(texts))
        # From now on it cannot be cancelled from outside: the queue alone decides how it ends.
        request.answer.set_running_or_notify_cancel()
        with self._lock:
            if len(self._turns) >= self._most_requests:
                raise EngineOverloaded(_FULL)
            self._turns.append(request)
            self._waiting += [_Text(len(ids), index, ids, request) for index, ids in enumerate(texts)]
            self._waiting.sort(key=attrgetter("length"))
        self._call_next()
        return request

    def _leave(self, requests: set[_Request]) -> None:
        with self._lock:
            if not requests.isdisjoint(self._turns):
                self._turns = collections.deque(request for request in self._turns if request not in requests)
                self._waiting = [text for text in self._waiting if text.request not in requests]

    def _call_next(self) -> None:
        with self._lock:
            if self._calling or not self._waiting:
                return
            self._calling = True
        try:
            future = self._call(self._run)
        except EngineClosed as error:
            self._end(error)
        else:
            future.add_done_callback(self._called)

    def _called(self, future: Future[None]) -> None:
        """After a batch, on the model's thread; when the model is gone, on any."""
        self._end(future.exception())
        self._call_next()

    def _end(self, error: BaseException | None) -> None:
        """A call is over. An error is that of the batch's requests; when the model is gone, of all."""
        with self._lock:
            batch, self._batch, self._calling = self._batch, [], False
            ended = {text.request for text in batch} | (set(self._turns) if isinstance(error, EngineClosed) else set())
        if error is not None:
            self._leave(ended)
            for request in ended:
                self._settle(request, error)

    def _run(self) -> None:
        with self._lock:
            self._batch = self._take()
        parts = [self._batch] if self._batch else []
        while parts:
            part = parts.pop()
            vectors = self._within_memory(part)
            if vectors is not None:
                self._deliver(part, vectors)
            elif len(part) > 1:
                parts += [part[: len(part) // 2], part[len(part) // 2 :]]
            else:
                self._settle(part[0].request, _too_large(part[0]))

    def _take(self) -> list[_Text]:
        if not self._waiting:
            return []
        anchor = max(index for index, text in enumerate(self._waiting) if text.request is self._turns[0])
        run = choose_run([text.length for text in self._waiting], anchor, self._limits)
        batch = self._waiting[run.start : run.stop]
        del self._waiting[run.start : run.stop]
        left = {text.request for text in self._waiting}
        self._turns.rotate(-1)
        self._turns = collections.deque(request for request in self._turns if request in left)
        return batch

    def _within_memory(self, part: list[_Text]) -> Vectors | None:
        """Vectors of a batch; None when the memory was not enough, after which batches are smaller for good."""
        try:
            return self._embed([text.token_ids for text in part])
        except (MemoryError, RuntimeError) as error:
            if not exhausted(error):
                raise
        if len(part) > 1:
            tokens = len(part) * part[-1].length
            self._limits = self._limits.after_running_out(tokens)
            most = self._limits.tokens
            logger.warning("The memory ran out over a batch of %d tokens; %d is the most from now on.", tokens, most)
        return None

    def _deliver(self, texts: list[_Text], vectors: Vectors) -> None:
        for text, vector in zip(texts, vectors, strict=True):
            request = text.request
            if request.vectors is None:
                request.vectors = np.empty((request.missing, len(vector)), vectors.dtype)
            request.vectors[text.index] = vector
            request.missing -= 1
            if not request.missing:
                self._settle(request, request.vectors)

    def _settle(self, request: _Request, outcome: Vectors | BaseException) -> None:
        """Answer once: the model's thread and one that finds the engine closed may both come here."""
        with self._lock:
            if request.answer.done():
                return
            if isinstance(outcome, BaseException):
                request.answer.set_exception(outcome)
            else:
                request.answer.set_result(outcome)


def _too_large(text: _Text) -> InvalidRequest:
    message = f"The memory is not enough for an input of {text.length} tokens. Split it into shorter ones."
    return InvalidRequest(message, "input", code="out_of_memory")
