"""One step's tokens for all sequences."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from inference.engines.transformers.sampling.state import Choice, SamplerState


def sample(states: Sequence[SamplerState], logits: Tensor) -> list[Choice | ArithmeticError]:
    """A token a row of `logits`, [rows, vocabulary], or that row's error. Every state is advanced."""
    return [_one(state, row) for state, row in zip(states, logits, strict=True)]


def _one(state: SamplerState, row: Tensor) -> Choice | ArithmeticError:
    try:
        return Choice(state.sampler.choose(row))
    except ArithmeticError as error:
        return error
