"""One step of all sequences: plan, compute, sample, and say who gets what."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeVar

import torch
from torch import Tensor

from inference.batching.pace import Pace
from inference.batching.scheduler import Scheduler, Work
from inference.batching.track import Track
from inference.engines.base import Delta
from inference.engines.transformers.delivery import Inbox, Item
from inference.engines.transformers.forward import Forward
from inference.engines.transformers.memory import exhausted
from inference.engines.transformers.sampling import Choice, NothingAllowed, prompt_logprobs, sample
from inference.engines.transformers.ticket import Ticket
from inference.errors import InferenceError, InvalidRequest

Result = TypeVar("Result")
Outbox = list[tuple[Inbox, Item]]
logger = logging.getLogger(__name__)

_TOO_LARGE = "There is not enough memory to compute this request, even alone. Shorten it, or ask for less."


def attempt(work: Callable[[], Result]) -> tuple[Result | None, Exception | None]:
    """Run something with the model: what goes wrong is the request's, unless the device itself is gone."""
    try:
        return work(), None
    except torch.AcceleratorError:
        raise
    except Exception as error:  # model code may raise anything, and the other requests must go on
        if not exhausted(error):
            logger.exception("a request failed in the model")
        return None, error


def refusal(error: Exception) -> InferenceError:
    """What the client of a failed request is told."""
    if exhausted(error):
        return InferenceError(_TOO_LARGE)
    if isinstance(error, NothingAllowed):
        return InvalidRequest(f"The answer cannot go on: {error}.")
    sentence = (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")
    return InferenceError(f"The model failed on this request: {sentence}. The worker's log has the details.")


class Stepper:
    """The sequences of a loop, and the model that they go through. Only the loop's thread calls it."""

    def __init__(self, forward: Forward, scheduler: Scheduler) -> None:
        self.scheduler = scheduler
        self.cached = 0
        self._forward = forward
        self._pace = Pace()
        self._tickets: dict[Track, Ticket] = {}

    @property
    def tickets(self) -> list[Ticket]:
        """All that run or wait."""
        return list(self._tickets.values())

    def add(self, ticket: Ticket) -> None:
        """Queue a sequence."""
        self._tickets[ticket.track] = ticket
        self.scheduler.add(ticket.track)

    def remove(self, ticket: Ticket) -> None:
        """Let a sequence go, and its part of the cache."""
        del self._tickets[ticket.track]
        self.scheduler.remove(ticket.track)

    def step(self) -> Outbox:
        """Bring every sequence as far as one pass through the model does; what they get for it."""
        decoding = sum(track.pending == 1 for track in self.scheduler.running)
        works = self.scheduler.plan(self._pace.budget(decoding))
        self._forward.retain(track.blocks[0] for track in self.scheduler.running if track.blocks)
        began = time.monotonic()
        results = self._compute(works) if works else []
        if results:
            self.scheduler.went_well()
        outbox = self._accept(works, results)
        fed = sum(len(work.chunk.token_ids) for work in works)
        ones = sum(len(work.chunk.token_ids) == 1 for work in works)
        self._pace.observe(time.monotonic() - began, prompt_tokens=fed - ones, decoding=ones)
        return outbox

    def _compute(self, works: Sequence[Work]) -> list[Tensor | InferenceError]:
        """Logits [results, vocabulary] or an error for each; nothing when the step has to be planned again."""
        logits, error = attempt(lambda: self._forward.step([work.chunk for work in works]))
        if logits is not None:
            return list(torch.split(logits, [work.chunk.results for work in works]))
        assert error is not None
        if exhausted(error) and len(self.scheduler.running) > 1:
            self.scheduler.shrink()
            logger.warning("Memory ran out in a step: at most %d requests run together now.", self.scheduler.most)
            return []
        if len(works) == 1:
            return [refusal(error)]
        return [self._compute([work])[0] for work in works]

    def _accept(self, works: Sequence[Work], results: Sequence[Tensor | InferenceError]) -> Outbox:
        outbox: Outbox = []
        sampled: list[tuple[Ticket, Tensor]] = []
        for work, result in zip(works, results, strict=bool(results)):
            ticket = self._tickets[work.track]
            if isinstance(result, InferenceError):
                outbox.append(self._ended(ticket, result))
                continue
            self._start(ticket)
            self._score(ticket, work, result)
            self.scheduler.advance(work)
            if work.track.pending:
                continue
            if ticket.sequence.request.max_tokens == 0:
                outbox.append(self._ended(ticket, self._signed(ticket, Delta("", 0, "length"))))
            else:
                sampled.append((ticket, result[-1:]))
        return outbox + self._sample(sampled)

    def _start(self, ticket: Ticket) -> None:
        if not ticket.started:
            ticket.started, ticket.cached = True, ticket.track.cached
            self.cached += ticket.cached

    def _score(self, ticket: Ticket, work: Work, logits: Tensor) -> None:
        """Collect the prompt's log probabilities: a row tells that of the token after it."""
        top = ticket.sequence.request.sampling.prompt_logprobs
        if top is None:
            return
        first = work.chunk.start + work.chunk.first_result
        following = ticket.sequence.request.prompt_ids[first + 1 : first + 1 + len(logits)]
        if following:
            ticket.scored += prompt_logprobs(logits[: len(following)], following, top)

    def _sample(self, sampled: Sequence[tuple[Ticket, Tensor]]) -> Outbox:
        if not sampled:
            return []
        rows = torch.cat([row for _, row in sampled])
        choices = sample([ticket.sampler for ticket, _ in sampled], rows)
        return [self._choose(ticket, choice) for (ticket, _), choice in zip(sampled, choices, strict=True)]

    def _choose(self, ticket: Ticket, choice: Choice | ArithmeticError) -> tuple[Inbox, Item]:
        if isinstance(choice, ArithmeticError):
            return self._ended(ticket, refusal(choice))
        delta = self._signed(ticket, ticket.sequence.accept(choice.token_id, choice.logprob))
        if delta.finish_reason is not None:
            return self._ended(ticket, delta)
        ticket.track.tokens.append(choice.token_id)
        return ticket.inbox, delta

    def _signed(self, ticket: Ticket, delta: Delta) -> Delta:
        """The delta, with what is known of the prompt."""
        if delta.completion_tokens <= 1 and ticket.track.wants_prompt:
            delta = replace(delta, prompt_logprobs=(None, *ticket.scored))
        return replace(delta, cached_tokens=ticket.cached) if ticket.cached else delta

    def _ended(self, ticket: Ticket, item: Item) -> tuple[Inbox, Item]:
        ticket.sequence.finished = True
        self.remove(ticket)
        return ticket.inbox, item
