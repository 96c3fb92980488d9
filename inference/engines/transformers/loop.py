"""The decode loop: one thread that owns the model; sequences join and leave between its steps."""

from __future__ import annotations

import collections
import logging
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

import torch

from inference.engines.base import Delta, EngineStats
from inference.engines.transformers.counters import Counters
from inference.engines.transformers.delivery import Inbox, Item, deliver
from inference.engines.transformers.forward import Cache, Forward
from inference.engines.transformers.sampling import Sampler
from inference.engines.transformers.schedule import plan_step
from inference.engines.transformers.sequence import Sequence
from inference.errors import EngineClosed, EngineCrashed, InferenceError

# Sequences that share the model's time; more wait in order of arrival.
MAX_RUNNING = 32
# Seconds that close() waits for the step in progress.
_JOIN_TIMEOUT_S = 30.0

_CRASHED = "The model's loop died of an error. Restart the worker; its log has the details."

Result = TypeVar("Result")
logger = logging.getLogger(__name__)


def _say_nothing(error: BaseException, running: int) -> None:
    """For a loop whose end is seen by those who ask it."""


@dataclass(eq=False, slots=True)
class Ticket:
    """A sequence in the loop's hands. `aborted` is set by any thread, all else is the loop's."""

    sequence: Sequence
    inbox: Inbox
    aborted: bool = False
    cache: Cache = None
    sampler: Sampler | None = None
    pending: list[int] = field(default_factory=list)


class DecodeLoop:
    """Runs sequences, and now and then a call of somebody else's, on a model that only this thread touches."""

    def __init__(
        self, forward: Forward | None, *, threads: int, on_crash: Callable[[BaseException, int], None] = _say_nothing
    ) -> None:
        self._forward = forward
        self._threads = threads
        # Told of the error that ends the loop, and of the number of sequences that ran.
        self._on_crash = on_crash
        self._changed = threading.Condition()
        self._waiting: collections.deque[Ticket] = collections.deque()
        self._calls: collections.deque[tuple[Future[Any], Callable[[], Any]]] = collections.deque()
        self._running: list[Ticket] = []
        # Makes the error that all get from now on; None while the loop is open.
        self._refusal: Callable[[], EngineClosed] | None = None
        self._counters = Counters()
        # Monotonic seconds; None while there is nothing to do.
        self._step_began: float | None = None
        self._thread = threading.Thread(target=self._run, name="decode", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def submit(self, sequence: Sequence, inbox: Inbox) -> Ticket:
        """Queue a sequence; its deltas arrive in the inbox. Raises `EngineClosed` when the loop has ended."""
        ticket = Ticket(sequence, inbox)
        with self._changed:
            self._check_open()
            self._waiting.append(ticket)
            self._changed.notify()
        return ticket

    def abort(self, ticket: Ticket) -> None:
        """Let a sequence leave before the next step; nothing happens to one that has finished."""
        with self._changed:
            ticket.aborted = True
            self._changed.notify()

    def call(self, work: Callable[[], Result]) -> Future[Result]:
        """Run something with the model between two steps. Raises `EngineClosed` when the loop has ended."""
        future: Future[Result] = Future()
        with self._changed:
            self._check_open()
            self._calls.append((future, work))
            self._changed.notify()
        return future

    def stats(self) -> EngineStats:
        """Counters, without waiting for the step in progress."""
        return EngineStats(
            running=len(self._running),
            waiting=len(self._waiting),
            tokens_total=self._counters.tokens,
            tokens_per_second=self._counters.tokens_per_second(),
            aborted_total=self._counters.aborted,
            stalled_s=self._stalled_s(),
        )

    def close(self) -> None:
        """End the thread after the step in progress; what runs and waits ends with an error."""
        with self._changed:
            self._refusal = self._refusal or partial(EngineClosed, "The model was stopped while it answered.")
            self._changed.notify()
        if self._thread.is_alive():
            self._thread.join(_JOIN_TIMEOUT_S)

    def _stalled_s(self) -> float:
        began = self._step_began
        return 0.0 if began is None else max(0.0, time.monotonic() - began)

    def _check_open(self) -> None:
        if self._refusal is not None:
            raise self._refusal()

    def _run(self) -> None:
        # OpenMP's number of threads belongs to the thread that asks for them.
        torch.set_num_threads(self._threads)
        try:
            with torch.inference_mode():
                while self._wait_for_work():
                    self._step()
        finally:
            self._step_began = None
            self._end_all()

    def _wait_for_work(self) -> bool:
        """Sleep until there is something to do; False when the loop should end."""
        with self._changed:
            self._step_began = None
            self._changed.wait_for(lambda: self._refusal or self._waiting or self._calls or self._running)
            self._step_began = time.monotonic()
            return self._refusal is None

    def _step(self) -> None:
        self._retire([ticket for ticket in self._running if ticket.aborted])
        self._admit()
        self._answer_one_call()
        outbox: list[tuple[Inbox, Item]] = []
        for ticket, count in zip(self._running, plan_step([len(t.pending) for t in self._running]), strict=True):
            if count and not ticket.aborted and (item := self._advance(ticket, count)) is not None:
                outbox.append((ticket.inbox, item))
        self._counters.add_tokens(sum(isinstance(item, Delta) for _, item in outbox))
        self._retire([ticket for ticket in self._running if ticket.sequence.finished])
        deliver(outbox)

    def _admit(self) -> None:
        with self._changed:
            while self._waiting and len(self._running) < MAX_RUNNING:
                ticket = self._waiting.popleft()
                if ticket.aborted:
                    self._counters.aborted += 1
                else:
                    self._running.append(ticket)
                    ticket.pending = list(ticket.sequence.request.prompt_ids)

    def _retire(self, leaving: list[Ticket]) -> None:
        for ticket in leaving:
            # Counted before it is gone: who sees no sequence running sees the whole count.
            self._counters.aborted += not ticket.sequence.finished
            # The iterator may keep the ticket for a while; the memory comes back now.
            ticket.cache = ticket.sampler = None
            self._running.remove(ticket)

    def _advance(self, ticket: Ticket, count: int) -> Item | None:
        delta, error = _attempt(lambda: self._feed(ticket, count))
        if error is None:
            return delta
        ticket.sequence.finished = True
        return error

    def _feed(self, ticket: Ticket, count: int) -> Delta | None:
        assert self._forward is not None, "an encoder generates nothing"
        request = ticket.sequence.request
        if ticket.sampler is None:
            ticket.cache = self._forward.new_cache()
            ticket.sampler = Sampler(request.sampling, request.prompt_ids)
        chunk, ticket.pending = ticket.pending[:count], ticket.pending[count:]
        logits = self._forward.next_logits(ticket.cache, chunk)
        if ticket.pending:
            return None
        token_id = ticket.sampler.choose(logits)
        ticket.pending = [token_id]
        return ticket.sequence.accept(token_id)

    def _answer_one_call(self) -> None:
        # One a step, so that many embeddings do not hold up the streams.
        with self._changed:
            future, work = self._calls.popleft() if self._calls else (None, None)
        if future is None or work is None or not future.set_running_or_notify_cancel():
            return
        result, error = _attempt(work)
        if error is None:
            future.set_result(result)
        else:
            future.set_exception(error)

    def _end_all(self) -> None:
        """Tell everybody who waits. Only a crash comes here without a reason given by `close`."""
        crash, running = sys.exception(), len(self._running)
        with self._changed:
            self._refusal = refusal = self._refusal or partial(EngineCrashed, _CRASHED)
            tickets, calls = [*self._running, *self._waiting], list(self._calls)
            for ended in (self._running, self._waiting, self._calls):
                ended.clear()
        for ticket in tickets:
            ticket.cache = ticket.sampler = None
        self._forward = None
        self._counters.aborted += len(tickets)
        deliver([(ticket.inbox, refusal()) for ticket in tickets])
        for future, _ in calls:
            if future.set_running_or_notify_cancel():
                future.set_exception(refusal())
        if crash is not None:
            self._on_crash(crash, running)


def _attempt(work: Callable[[], Result]) -> tuple[Result | None, InferenceError | None]:
    """Run one request's work: what goes wrong is that request's, unless the device itself is gone."""
    try:
        return work(), None
    except torch.AcceleratorError:
        raise
    except Exception as error:  # model code may raise anything, and the other requests must go on
        logger.exception("a request failed in the model")
        sentence = (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")
        return None, InferenceError(f"The model failed on this request: {sentence}. The worker's log has the details.")
