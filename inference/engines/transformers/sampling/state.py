"""The sampling state of one sequence."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from inference.engines.base import TokenLogprob
from inference.engines.transformers.defaults import Sampling
from inference.engines.transformers.sampling.mask import TokenMask
from inference.engines.transformers.sampling.occurrences import Occurrences

# Below this the softmax would overflow, and the most likely token has all of the probability anyway.
_COLDEST = 1e-5


class NothingAllowed(ArithmeticError):
    """What a request asks for leaves no token that may come next."""


@dataclass(frozen=True, slots=True)
class Choice:
    """The token of one row, and its log probability when the request asks for it."""

    token_id: int
    logprob: TokenLogprob | None = None


class SamplerState:
    """What one sequence has to remember between its tokens: made once, it survives preemption."""

    def __init__(
        self,
        settings: Sampling,
        prompt_ids: Sequence[int],
        *,
        vocabulary: int,
        stop_ids: frozenset[int],
        mask: TokenMask | None = None,
    ) -> None:
        self.settings = settings
        self.mask = mask
        # A configuration may name ids that the model has no logits for.
        self.stop_ids = frozenset(token_id for token_id in stop_ids if 0 <= token_id < vocabulary)
        self.greedy = settings.temperature < _COLDEST or settings.top_k == 1
        self.occurrences = _occurrences(settings, prompt_ids)
        self._generated = 0
        self._untouched = self.occurrences is None and not settings.logit_bias and mask is None
        # On the CPU whatever the model's device: a seed means the same text everywhere.
        self._generator = None if self.greedy else torch.Generator("cpu").manual_seed(_seed(settings))

    @property
    def bars_stops(self) -> bool:
        """Whether the answer is too short to end yet."""
        return self._generated < self.settings.min_tokens and bool(self.stop_ids)

    @property
    def takes_logits_as_they_are(self) -> bool:
        """Whether nothing has to be done to this row's logits before the likeliest is known."""
        return self._untouched and not self.bars_stops

    def uniform(self) -> float:
        """The next number from [0, 1): one a token, so that neighbours and cuts of the text change nothing."""
        return torch.rand((), generator=self._generator, dtype=torch.float64).item()

    def advance(self, token_id: int) -> None:
        """Remember the token that was chosen."""
        self._generated += 1
        if self.occurrences is not None:
            self.occurrences.add(token_id)
        if self.mask is not None and token_id not in self.stop_ids:
            self.mask.accept(token_id)


def _seed(settings: Sampling) -> int:
    return secrets.randbits(64) if settings.seed is None else settings.seed % (1 << 64)


def _occurrences(settings: Sampling, prompt_ids: Sequence[int]) -> Occurrences | None:
    """Repetition looks at the prompt too, the other penalties at the answer alone."""
    if settings.repetition_penalty != 1.0:
        return Occurrences(prompt_ids)
    return Occurrences() if settings.presence_penalty or settings.frequency_penalty else None
