"""Sampling against references written with numpy, not against itself."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

from inference.engines.transformers.defaults import Sampling  # noqa: E402
from inference.engines.transformers.sampling.sampler import (  # noqa: E402
    Sampler,
    candidates,
    draw,
    penalize_counts,
    penalize_repetition,
)

LOGITS = np.random.default_rng(5).normal(0, 2, 50).astype(np.float32)
Probabilities = np.ndarray[Any, np.dtype[np.float64]]


def reference(logits: Probabilities, settings: Sampling) -> Probabilities:
    """The distribution as the papers define it: plain loops over a sorted list."""
    scaled = np.asarray(logits, dtype=np.float64) / settings.temperature
    p = np.exp(scaled - scaled.max())
    p /= p.sum()
    order = sorted(range(len(p)), key=lambda i: -p[i])
    if settings.top_k:
        order = order[: settings.top_k]
    kept, total, whole = [], 0.0, sum(p[i] for i in order)
    for token in order:
        if kept and settings.top_p < 1.0 and total >= settings.top_p * whole:
            break
        kept.append(token)
        total += p[token]
    kept = [token for token in kept if p[token] >= settings.min_p * p.max()]
    result = np.zeros_like(p)
    result[kept] = p[kept] / p[kept].sum()
    return result


def distribution(logits: Probabilities, settings: Sampling) -> Probabilities:
    ids, weights = candidates(torch.tensor(logits), settings)
    result = np.zeros(len(logits))
    result[ids.numpy()] = (weights / weights.sum()).numpy()
    return result


CASES = [
    Sampling(),
    Sampling(temperature=0.3),
    Sampling(temperature=2.5),
    Sampling(top_k=1),
    Sampling(top_k=7),
    Sampling(top_k=500),
    Sampling(top_p=0.1),
    Sampling(top_p=0.9),
    Sampling(top_p=0.0),
    Sampling(min_p=0.2),
    Sampling(min_p=1.0),
    Sampling(temperature=1.7, top_k=20, top_p=0.8, min_p=0.05),
]


@pytest.mark.parametrize("settings", CASES, ids=repr)
def test_truncations_leave_the_distribution_that_they_are_defined_to(settings: Sampling) -> None:
    assert distribution(LOGITS, settings) == pytest.approx(reference(LOGITS, settings), abs=1e-9)


@pytest.mark.parametrize("top_p", [0.5, 0.99, 0.999999])
def test_top_p_of_a_large_flat_vocabulary_keeps_more_than_the_first_guess(top_p: float) -> None:
    logits = np.random.default_rng(1).normal(0, 0.3, 5000).astype(np.float32)
    settings = Sampling(top_p=top_p)
    assert distribution(logits, settings) == pytest.approx(reference(logits, settings), abs=1e-9)


def test_a_draw_falls_where_the_weights_lie() -> None:
    weights = torch.tensor([0.0, 1.0, 0.0, 3.0, 0.0], dtype=torch.float64)
    assert [draw(weights, u) for u in (0.0, 0.2499, 0.25, 0.9999999)] == [1, 1, 3, 3]


def test_drawn_frequencies_follow_the_distribution() -> None:
    settings = Sampling(temperature=1.2, top_k=10, seed=11)
    sampler, logits, count = Sampler(settings, [0]), torch.tensor(LOGITS), 20_000
    drawn = Counter(sampler.choose(logits) for _ in range(count))
    expected = reference(LOGITS, settings) * count
    used = expected > 0
    observed = np.array([drawn[token] for token in range(len(LOGITS))])
    assert observed[~used].sum() == 0
    chi_squared = (((observed - expected)[used]) ** 2 / expected[used]).sum()
    # 9 degrees of freedom: above 33.7 with a probability of 0.0001, and the seed is fixed.
    assert chi_squared < 33.7


def test_presence_and_frequency_lower_logits_as_openai_defines_them() -> None:
    lowered = penalize_counts(torch.tensor(LOGITS), Counter({3: 2, 8: 1}), presence=0.5, frequency=0.25)
    expected = LOGITS.copy()
    expected[3] -= 0.5 + 2 * 0.25
    expected[8] -= 0.5 + 0.25
    assert lowered.numpy() == pytest.approx(expected)


def test_repetition_divides_positive_and_multiplies_negative_logits() -> None:
    lowered = penalize_repetition(torch.tensor([2.0, -2.0, 2.0]), torch.tensor([0, 1]), 2.0)
    assert lowered.tolist() == [1.0, -4.0, 2.0]


def test_penalties_count_what_was_generated_and_repetition_the_prompt_too() -> None:
    logits = torch.tensor([3.0, 2.9, 2.8])
    counted = Sampler(Sampling(temperature=0.0, frequency_penalty=0.15), [0, 0, 0])
    assert [counted.choose(logits) for _ in range(4)] == [0, 1, 0, 2]
    repeated = Sampler(Sampling(temperature=0.0, repetition_penalty=1.5), [0])
    assert [repeated.choose(logits) for _ in range(2)] == [1, 2]


def test_temperature_zero_is_the_likeliest_token_and_the_logits_stay_as_they_are() -> None:
    logits = torch.tensor(LOGITS)
    sampler = Sampler(Sampling(temperature=0.0, presence_penalty=9.0), [0])
    assert sampler.choose(logits) == int(LOGITS.argmax())
    assert logits.numpy() == pytest.approx(LOGITS)


def test_a_seed_repeats_and_other_seeds_or_none_differ() -> None:
    def tokens(seed: int | None) -> list[int]:
        sampler = Sampler(Sampling(seed=seed), [0])
        return [sampler.choose(torch.zeros(1000)) for _ in range(8)]

    assert tokens(3) == tokens(3)
    assert len({tuple(tokens(seed)) for seed in (3, 4, -3, 1 << 70, None, None)}) == 6


def test_logits_that_are_not_numbers_are_an_error_and_not_a_token() -> None:
    with pytest.raises(ArithmeticError, match="not numbers"):
        Sampler(Sampling(), [0]).choose(torch.tensor([1.0, float("nan")]))
