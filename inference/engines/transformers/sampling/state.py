"""The sampling state of one sequence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from inference.engines.base import TokenLogprob
from inference.engines.transformers.defaults import Sampling
from inference.engines.transformers.sampling.mask import TokenMask
from inference.engines.transformers.sampling.sampler import Sampler


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
        self.vocabulary = vocabulary
        self.stop_ids = stop_ids
        self.mask = mask
        self.sampler = Sampler(settings, prompt_ids)
