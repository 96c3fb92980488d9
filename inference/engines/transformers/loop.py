"""The decode loop: one thread that owns the model; sequences join and leave between its steps."""

from __future__ import annotations

import collections
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

import torch

from inference.engines.base import Delta, EngineStats
from inference.engines.transformers.counters import Counters
from inference.engines.transformers.delivery import deliver
from inference.engines.transformers.stepper import Stepper, attempt, refusal
from inference.engines.transformers.ticket import Ticket
from inference.errors import EngineClosed, EngineCrashed, EngineOverloaded

# Seconds that close() waits for the step in progress.
_JOIN_TIMEOUT_S = 30.0

_CRASHED = "The model's loop died of an error. Restart the worker; its log has the details."

Result = TypeVar("Result")


def _say_nothing(error: BaseException, running: int) -> None:
    """For a loop whose end is seen by those who ask it."""


class DecodeLoop:
    """Runs sequences, and now and then a call of somebody else's, on a model that only this thread touches.

    `most` bounds the sequences that run or wait.
    """

    def __init__(
        self,
        stepper: Stepper | None,
        *,
        threads: int,
        most: int = sys.maxsize,
        on_crash: Callable[[BaseException, int], None] = _say_nothing,
    ) -> None:
        self._stepper = stepper
        self._threads = threads
        self._most = most
        # Told of the error that ends the loop, and of the number of sequences that ran.
        self._on_crash = on_crash
        self._changed = threading.Condition()
        self._arrived: collections.deque[Ticket] = collections.deque()
        self._calls: collections.deque[tuple[Future[Any], Callable[[], Any]]] = collections.deque()
        self._aborted: collections.deque[Ticket] = collections.deque()
        # Makes the error that all get from now on; None while the loop is open.
        self._refusal: Callable[[], EngineClosed] | None = None
        self._counters = Counters()
        # Monotonic seconds; None while there is nothing to do.
        self._step_began: float | None = None
        self._thread = threading.Thread(target=self._run, name="decode", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def submit(self, ticket: Ticket) -> None:
        """Queue a sequence; its deltas arrive in its inbox.

        Raises `EngineClosed` when the loop has ended, `EngineOverloaded` when too many wait.
        """
        with self._changed:
            self._check_open()
            if self._count() >= self._most:
                raise EngineOverloaded(f"The model is busy: {self._count()} requests run or wait. Try again later.")
            self._arrived.append(ticket)
            self._changed.notify()

    def abort(self, ticket: Ticket) -> None:
        """Let a sequence leave before the next step; nothing happens to one that has finished."""
        if ticket.sequence.finished:
            return
        with self._changed:
            self._aborted.append(ticket)
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
        totals = EngineStats(
            tokens_total=self._counters.tokens,
            tokens_per_second=self._counters.tokens_per_second(),
            aborted_total=self._counters.aborted,
            stalled_s=self._stalled_s(),
        )
        # Once: the loop's end takes it away at any moment.
        stepper = self._stepper
        if stepper is None:
            return totals
        scheduler = stepper.scheduler
        return replace(
            totals,
            running=len(scheduler.running),
            waiting=len(scheduler.waiting) + len(self._arrived),
            preempted_total=scheduler.preempted,
            cache_tokens=scheduler.pool.count * scheduler.pool.size,
            cache_used_tokens=scheduler.pool.held * scheduler.pool.size,
            prefix_hit_tokens=stepper.cached,
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

    def _count(self) -> int:
        stepper = self._stepper
        scheduler = None if stepper is None else stepper.scheduler
        inside = 0 if scheduler is None else len(scheduler.running) + len(scheduler.waiting)
        return inside + len(self._arrived)

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
            self._changed.wait_for(lambda: self._refusal or self._calls or self._aborted or self._count())
            self._step_began = time.monotonic()
            return self._refusal is None

    def _step(self) -> None:
        self._take_news()
        self._answer_one_call()
        if self._stepper is None or not self._stepper.tickets:
            return
        outbox = self._stepper.step()
        self._counters.add_tokens(sum(isinstance(item, Delta) for _, item in outbox))
        deliver(outbox)

    def _take_news(self) -> None:
        with self._changed:
            arrived, aborted = list(self._arrived), list(self._aborted)
            self._aborted.clear()
            # Under the lock, so that a sequence is always counted in one place or the other.
            for ticket in arrived:
                self._open_stepper.add(ticket)
            self._arrived.clear()
        for ticket in aborted:
            if not ticket.sequence.finished:
                ticket.sequence.finished = True
                self._counters.aborted += 1
                self._open_stepper.remove(ticket)

    @property
    def _open_stepper(self) -> Stepper:
        assert self._stepper is not None, "an encoder generates nothing"
        return self._stepper

    def _answer_one_call(self) -> None:
        # One a step, so that many embeddings do not hold up the streams.
        with self._changed:
            future, work = self._calls.popleft() if self._calls else (None, None)
        if future is None or work is None or not future.set_running_or_notify_cancel():
            return
        try:
            result, error = attempt(work)
        except torch.AcceleratorError:
            # The loop ends with this; nobody else knows of the call any more.
            future.set_exception(EngineCrashed(_CRASHED))
            raise
        if error is None:
            future.set_result(result)
        else:
            future.set_exception(refusal(error))

    def _end_all(self) -> None:
        """Tell everybody who waits. Only a crash comes here without a reason given by `close`."""
        crash = sys.exception()
        with self._changed:
            self._refusal = closed = self._refusal or partial(EngineCrashed, _CRASHED)
            stepper, self._stepper = self._stepper, None
            tickets, calls = list(self._arrived), list(self._calls)
            self._arrived.clear()
            self._calls.clear()
        running = 0 if stepper is None else len(stepper.scheduler.running)
        tickets += [] if stepper is None else stepper.tickets
        self._counters.aborted += len(tickets)
        deliver([(ticket.inbox, closed()) for ticket in tickets])
        for future, _ in calls:
            if future.set_running_or_notify_cancel():
                future.set_exception(closed())
        if crash is not None:
            self._on_crash(crash, running)
