"""One sequence's tokens, a row at a time."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from inference.engines.transformers.defaults import Sampling
from inference.engines.transformers.sampling.batch import sample
from inference.engines.transformers.sampling.state import Choice, SamplerState


class Sampler:
    """The sampling state of one sequence, with its method."""

    def __init__(self, settings: Sampling, prompt_ids: Sequence[int]) -> None:
        self._settings, self._prompt_ids = settings, prompt_ids
        self._state: SamplerState | None = None

    def choose(self, logits: Tensor) -> int:
        """The next token, from the logits of the last position, [vocabulary]. Raises `ArithmeticError` for NaN."""
        self._state = self._state or SamplerState(
            self._settings, self._prompt_ids, vocabulary=len(logits), stop_ids=frozenset()
        )
        [choice] = sample([self._state], logits.unsqueeze(0))
        if not isinstance(choice, Choice):
            raise choice
        return choice.token_id
