"""Choosing a token from logits: pure functions on tensors, and the state that one sequence needs for them.

Order: repetition penalty, presence and frequency penalties, temperature, top_k, top_p (of what top_k left), min_p.
One uniform number a token comes from the sequence's own generator, so what its neighbours do changes nothing.
"""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Sequence

import torch
from torch import Tensor

from inference.engines.transformers.defaults import Sampling

# Below this the softmax would overflow, and the most likely token has all of the probability anyway.
_COLDEST = 1e-5
# top_p rarely needs more candidates than this; sorting a whole vocabulary takes milliseconds.
_FIRST_CANDIDATES = 1024


def penalize_repetition(logits: Tensor, seen: Tensor, penalty: float) -> Tensor:
    """Make tokens that prompt or answer contain less likely. `logits` [vocabulary], `seen` ids without duplicates."""
    scores = logits[seen]
    return logits.index_put((seen,), torch.where(scores > 0, scores / penalty, scores * penalty))


def penalize_counts(logits: Tensor, counts: Counter[int], *, presence: float, frequency: float) -> Tensor:
    """OpenAI's penalties: lower a token's logit for having been generated, and for each time."""
    if not counts:
        return logits
    ids = torch.tensor(list(counts), device=logits.device)
    times = torch.tensor(list(counts.values()), device=logits.device, dtype=logits.dtype)
    return logits.index_add(0, ids, presence + frequency * times, alpha=-1)


def candidates(logits: Tensor, settings: Sampling) -> tuple[Tensor, Tensor]:
    """The tokens that may be chosen and their weights, ids [n] and weights [n] (not summing to one)."""
    weights = torch.softmax(logits.double() / settings.temperature, dim=-1)
    if settings.top_k or settings.top_p < 1.0:
        ids, weights = _likeliest(weights, settings.top_k, settings.top_p)
    else:
        ids = torch.arange(len(weights), device=weights.device)
    if settings.min_p > 0.0:
        kept = weights >= settings.min_p * weights.max()
        ids, weights = ids[kept], weights[kept]
    return ids, weights


def _likeliest(weights: Tensor, top_k: int, top_p: float) -> tuple[Tensor, Tensor]:
    """The `top_k` likeliest, of these the fewest whose share reaches `top_p`; descending, never none."""
    size = len(weights)
    values, ids = weights.topk(min(top_k or _FIRST_CANDIDATES, size))
    if top_p >= 1.0:
        return ids, values
    total = values.sum() if top_k else weights.sum()
    if values.sum() < top_p * total:
        values, ids = weights.sort(descending=True)
    before = values.cumsum(0) - values
    count = max(1, int((before < top_p * total).sum()))
    return ids[:count], values[:count]


def draw(weights: Tensor, uniform: float) -> int:
    """The index where `uniform`, from [0, 1), falls when the weights are laid side by side."""
    sums = weights.cumsum(0)
    place = torch.searchsorted(sums, uniform * sums[-1], right=True)
    return min(int(place), len(weights) - 1)


class Sampler:
    """The sampling state of one sequence: its generator, and which tokens it has seen."""

    def __init__(self, settings: Sampling, prompt_ids: Sequence[int]) -> None:
        self._settings = settings
        self._counts: Counter[int] = Counter()
        self._seen = set(prompt_ids)
        seed = secrets.randbits(64) if settings.seed is None else settings.seed % (1 << 64)
        # On the CPU whatever the model's device: a seed means the same text everywhere.
        self._generator = torch.Generator("cpu").manual_seed(seed)

    def choose(self, logits: Tensor) -> int:
        """The next token, from the logits of the last position, [vocabulary]. Raises `ArithmeticError` for NaN."""
        token_id = self._choose(self._penalized(logits.float()))
        self._counts[token_id] += 1
        self._seen.add(token_id)
        return token_id

    def _choose(self, logits: Tensor) -> int:
        if bool(torch.isnan(logits).any()):
            raise ArithmeticError("the model computed values that are not numbers; try another dtype")
        if self._settings.temperature < _COLDEST:
            return int(logits.argmax())
        ids, weights = candidates(logits, self._settings)
        uniform = torch.rand((), generator=self._generator, dtype=torch.float64).item()
        return int(ids[draw(weights, uniform)])

    def _penalized(self, logits: Tensor) -> Tensor:
        settings = self._settings
        if settings.repetition_penalty != 1.0:
            seen = torch.tensor(sorted(self._seen), device=logits.device)
            logits = penalize_repetition(logits, seen, settings.repetition_penalty)
        if settings.presence_penalty or settings.frequency_penalty:
            presence, frequency = settings.presence_penalty, settings.frequency_penalty
            logits = penalize_counts(logits, self._counts, presence=presence, frequency=frequency)
        return logits
