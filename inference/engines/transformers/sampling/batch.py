"""One step's tokens for all sequences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor

from inference.engines.transformers.sampling.adjust import adjust
from inference.engines.transformers.sampling.draw import draw
from inference.engines.transformers.sampling.likeliest import likeliest
from inference.engines.transformers.sampling.logprobs import chosen_logprobs
from inference.engines.transformers.sampling.state import Choice, NothingAllowed, SamplerState

# In the place of a token id: the row has none.
_NOT_NUMBERS, _NONE_ALLOWED = -1, -2
_ERRORS = {
    _NOT_NUMBERS: "the model computed values that are not numbers; try another dtype",
    _NONE_ALLOWED: "no token is left that may come next: the grammar or the biases of the request forbid them all",
}


def sample(states: Sequence[SamplerState], logits: Tensor) -> list[Choice | ArithmeticError]:
    """A token a row of `logits`, [rows, vocabulary], or that row's error. Every state is advanced."""
    with _one_thread():
        return _sample(states, logits)


@contextmanager
def _one_thread() -> Iterator[None]:
    """A pass over the logits takes tenths of a millisecond, and waiting for a thread of a busy core takes ten."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _sample(states: Sequence[SamplerState], logits: Tensor) -> list[Choice | ArithmeticError]:
    scores = adjust(states, logits)
    token_ids = _token_ids(states, scores, spare=None if scores is logits else scores)
    for state, token_id in zip(states, token_ids, strict=True):
        if token_id >= 0:
            state.advance(token_id)
    asked = [row for row, state in enumerate(states) if state.settings.logprobs is not None and token_ids[row] >= 0]
    if not asked:
        return [Choice(token_id) if token_id >= 0 else _error(token_id) for token_id in token_ids]
    logprobs = chosen_logprobs(logits, {row: (token_ids[row], states[row].settings.logprobs or 0) for row in asked})
    return [
        Choice(token_id, logprobs.get(row)) if token_id >= 0 else _error(token_id)
        for row, token_id in enumerate(token_ids)
    ]


def _error(code: int) -> ArithmeticError:
    return (NothingAllowed if code == _NONE_ALLOWED else ArithmeticError)(_ERRORS[code])


def _token_ids(states: Sequence[SamplerState], scores: Tensor, *, spare: Tensor | None) -> list[int]:
    """The ids, or a code from `_ERRORS`. `spare` is `scores` when nobody needs these any more."""
    drawing = [row for row, state in enumerate(states) if not state.greedy]
    if not drawing:
        return _greedy(scores)
    if len(drawing) == len(states):
        return _drawn(states, scores, spare)
    greedy = [row for row, state in enumerate(states) if state.greedy]
    found = dict(zip(greedy, _greedy(_rows(scores, greedy)), strict=True))
    chosen = _rows(scores, drawing)
    found |= zip(drawing, _drawn([states[row] for row in drawing], chosen, chosen), strict=True)
    return [found[row] for row in range(len(states))]


def _greedy(scores: Tensor) -> list[int]:
    ids = likeliest(scores)
    best = scores.gather(1, ids.unsqueeze(1)).squeeze(1)
    ids = torch.where(best == float("-inf"), _NONE_ALLOWED, ids)
    return torch.where(best.isnan(), _NOT_NUMBERS, ids).tolist()


def _drawn(states: Sequence[SamplerState], scores: Tensor, spare: Tensor | None) -> list[int]:
    nothing = scores.amax(-1) == float("-inf")
    uniforms = [state.uniform() for state in states]
    ids = draw(scores, [state.settings for state in states], uniforms=uniforms, out=spare)
    return torch.where(nothing, _NONE_ALLOWED, ids).tolist()


def _rows(scores: Tensor, rows: list[int]) -> Tensor:
    return scores[torch.tensor(rows, device=scores.device)]
