"""Drawing against references written with numpy, not against itself."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

from inference.engines.transformers.defaults import Sampling  # noqa: E402
from inference.engines.transformers.sampling import Choice, SamplerState, sample  # noqa: E402
from inference.engines.transformers.sampling.draw import place, weigh  # noqa: E402
from inference.engines.transformers.sampling.truncation import ONE, kept_above  # noqa: E402

LOGITS = np.random.default_rng(5).normal(0, 2, 50).astype(np.float32)
Numbers = np.ndarray[Any, np.dtype[np.float64]]


def reference(logits: Numbers, settings: Sampling) -> Numbers:
    """The distribution as the papers define it, in plain loops; equal probabilities are kept or dropped together."""
    scaled = np.asarray(logits, dtype=np.float64) / settings.temperature
    p = np.exp(scaled - scaled.max())
    p /= p.sum()
    kth = sorted(p)[-min(settings.top_k or len(p), len(p))]
    order = sorted((i for i in range(len(p)) if p[i] >= kth), key=lambda i: -p[i])
    whole, total, lowest = sum(p[i] for i in order), 0.0, p[order[-1]]
    for token in order:
        total += p[token]
        if settings.top_p < 1.0 and total >= settings.top_p * whole:
            lowest = p[token]
            break
    result = np.where((p >= lowest) & (p >= settings.min_p * p.max()), p, 0.0)
    return result / result.sum()


def distribution(logits: Numbers, settings: Sampling) -> Numbers:
    weights = weigh(torch.tensor(logits).unsqueeze(0), [settings])[0].numpy().astype(np.float64)
    return weights / weights.sum()


def state(settings: Sampling, prompt: list[int] | None = None, **given: Any) -> SamplerState:
    given = {"vocabulary": len(LOGITS), "stop_ids": frozenset(), **given}
    return SamplerState(settings, prompt or [0], **given)


def tokens(one: SamplerState, logits: Any, count: int) -> list[int]:
    drawn = [sample([one], logits.unsqueeze(0))[0] for _ in range(count)]
    return [choice.token_id for choice in drawn if isinstance(choice, Choice)]


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
    Sampling(top_k=50, top_p=0.7),
    Sampling(temperature=1.7, top_k=20, top_p=0.8, min_p=0.05),
]


@pytest.mark.parametrize("settings", CASES, ids=repr)
def test_truncations_leave_the_distribution_that_they_are_defined_to(settings: Sampling) -> None:
    assert distribution(LOGITS, settings) == pytest.approx(reference(LOGITS, settings), abs=1e-6)


@pytest.mark.parametrize("settings", CASES, ids=repr)
def test_equal_probabilities_stay_together(settings: Sampling) -> None:
    coarse = np.round(LOGITS)
    assert distribution(coarse, settings) == pytest.approx(reference(coarse, settings), abs=1e-6)


@pytest.mark.parametrize("wanted", [Sampling(top_p=0.5), Sampling(top_p=0.999), Sampling(top_k=900, top_p=0.9)])
@pytest.mark.parametrize("spread", [0.3, 4.0])
def test_large_vocabularies_flat_or_peaked_are_cut_where_the_definition_says(wanted: Sampling, spread: float) -> None:
    logits = np.random.default_rng(1).normal(0, spread, 5003).astype(np.float32)
    got, expected = distribution(logits, wanted), reference(logits, wanted)
    assert (got > 0).sum() == (expected > 0).sum()
    assert got == pytest.approx(expected, abs=1e-6)


def test_devices_that_sort_whole_rows_keep_the_same_weights() -> None:
    logits = torch.tensor(np.random.default_rng(2).normal(0, 2, (len(CASES), 5003)).astype(np.float32))
    logits[:, ::3] = logits[:, ::3].round()
    whole = [replace(one, top_k=0, top_p=1.0, min_p=0.0) for one in CASES]
    untouched = weigh(logits, whole)
    assert torch.equal(kept_above(untouched, CASES, untouched.amax(-1)), weigh(logits, CASES))


def test_a_draw_falls_where_the_weights_lie() -> None:
    row = torch.zeros(300)
    row[1], row[130], row[299] = 1.0, 2.0, 1.0
    uniforms = [0.0, 0.2499, 0.25, 0.7499, 0.75, 0.9999999999999999]
    drawn = place(row.mul(ONE / 4).repeat(len(uniforms), 1), torch.tensor(uniforms, dtype=torch.float64))
    assert drawn.tolist() == [1, 1, 130, 130, 299, 299]


def test_drawn_frequencies_follow_the_distribution() -> None:
    settings = Sampling(temperature=1.2, top_k=10)
    states = [state(replace(settings, seed=seed)) for seed in range(200)]
    logits, count = torch.tensor(LOGITS).repeat(len(states), 1), 20 * len(states)
    drawn = Counter(choice.token_id for _ in range(20) for choice in sample(states, logits))
    expected = reference(LOGITS, settings) * count
    used = expected > 0
    observed = np.array([drawn[token] for token in range(len(LOGITS))])
    assert observed[~used].sum() == 0
    chi_squared = (((observed - expected)[used]) ** 2 / expected[used]).sum()
    # 9 degrees of freedom: above 33.7 with a probability of 0.0001, and the seeds are fixed.
    assert chi_squared < 33.7


def test_temperature_zero_and_top_k_one_are_the_likeliest_token_the_first_of_equals() -> None:
    logits = torch.tensor(LOGITS).to(torch.bfloat16)
    logits[[7, 30]] = 90.0
    assert [tokens(state(one), logits, 1) for one in (Sampling(temperature=0.0), Sampling(top_k=1))] == [[7], [7]]


def test_a_seed_repeats_and_other_seeds_or_none_differ() -> None:
    def drawn(seed: int | None) -> tuple[int, ...]:
        return tuple(tokens(state(Sampling(seed=seed), vocabulary=1000), torch.zeros(1000), 8))

    assert drawn(3) == drawn(3)
    assert len({drawn(seed) for seed in (3, 4, -3, 1 << 70, None, None)}) == 6


@pytest.mark.parametrize("settings", [Sampling(), Sampling(temperature=0.0), Sampling(top_p=0.5)], ids=repr)
@pytest.mark.parametrize("value", [float("nan"), float("-nan")])
def test_logits_that_are_not_numbers_are_the_error_of_their_row(settings: Sampling, value: float) -> None:
    logits = torch.tensor(LOGITS).repeat(2, 1)
    logits[1, 3] = value
    fine, broken = sample([state(settings), state(settings)], logits)
    assert isinstance(fine, Choice)
    assert "not numbers" in str(broken)
