"""What requests change about their logits, against the formulas written out in numpy."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

from inference.engines.transformers.defaults import Sampling  # noqa: E402
from inference.engines.transformers.sampling import Choice, SamplerState, sample  # noqa: E402
from inference.engines.transformers.sampling.adjust import adjust  # noqa: E402

VOCABULARY = 70
LOGITS = np.random.default_rng(5).normal(0, 2, VOCABULARY).astype(np.float32)


class Grammar:
    """Allows what it was made with, and remembers what came."""

    def __init__(self, *allowed: int, free: bool = False) -> None:
        self._allowed = None if free else self._bits(allowed)
        self.accepted: list[int] = []

    @staticmethod
    def _bits(allowed: tuple[int, ...]) -> Any:
        words = np.zeros(-(-VOCABULARY // 32), dtype=np.uint32)
        for token_id in allowed:
            words[token_id // 32] |= np.uint32(1 << token_id % 32)
        return words.view(np.int32)

    def bits(self) -> Any:
        return self._allowed

    def accept(self, token_id: int) -> None:
        self.accepted.append(token_id)


def state(
    prompt: list[int] | None = None, *, mask: Any = None, stops: frozenset[int] = frozenset(), **settings: Any
) -> SamplerState:
    wanted = Sampling(**{"temperature": 0.0, **settings})
    return SamplerState(wanted, prompt or [0], vocabulary=VOCABULARY, stop_ids=stops, mask=mask)


def adjusted(one: SamplerState) -> Any:
    return adjust([one], torch.tensor(LOGITS).unsqueeze(0))[0].numpy()


def chosen(one: SamplerState, logits: Any = LOGITS) -> int:
    [choice] = sample([one], torch.tensor(logits).unsqueeze(0))
    assert isinstance(choice, Choice)
    return choice.token_id


def test_presence_and_frequency_lower_logits_as_openai_defines_them() -> None:
    one = state([1, 2, 3], presence_penalty=0.5, frequency_penalty=0.25)
    for token_id in (3, 8, 3):
        one.advance(token_id)
    expected = LOGITS.copy()
    for token_id, times in Counter({3: 2, 8: 1}).items():
        expected[token_id] -= 0.5 + 0.25 * times
    assert adjusted(one) == pytest.approx(expected)


def test_repetition_divides_positive_and_multiplies_negative_logits_of_prompt_and_answer() -> None:
    one = state([1, 5, 5], repetition_penalty=1.7)
    one.advance(9)
    expected = LOGITS.copy()
    for token_id in (1, 5, 9):
        expected[token_id] = expected[token_id] / 1.7 if expected[token_id] > 0 else expected[token_id] * 1.7
    assert adjusted(one) == pytest.approx(expected)


def test_biases_are_added_before_repetition_counts() -> None:
    one = state([4], logit_bias={4: 6.0, 69: -100.0}, repetition_penalty=2.0)
    expected = LOGITS.copy()
    expected[4] = (expected[4] + 6.0) / 2.0
    expected[69] -= 100.0
    assert adjusted(one) == pytest.approx(expected)


def test_many_different_tokens_are_all_remembered() -> None:
    one = state(list(range(40)), frequency_penalty=1.0, repetition_penalty=1.5)
    for token_id in [*range(VOCABULARY), *range(VOCABULARY)]:
        one.advance(token_id)
    assert adjusted(one) == pytest.approx(np.where(LOGITS > 0, LOGITS / 1.5, LOGITS * 1.5) - 2.0, abs=1e-6)


def test_nothing_asked_for_leaves_the_logits_themselves_and_what_is_asked_for_a_copy() -> None:
    logits = torch.tensor(LOGITS).unsqueeze(0)
    assert adjust([state()], logits) is logits
    assert adjust([state(logit_bias={1: 1.0})], logits) is not logits
    assert logits[0].numpy() == pytest.approx(LOGITS)


def test_stop_tokens_come_only_after_the_tokens_that_are_the_least() -> None:
    one, best = state(stops=frozenset({11, 400}), min_tokens=2), LOGITS.copy()
    best[11] = 50.0
    assert 11 not in [chosen(one, best), chosen(one, best)]
    assert chosen(one, best) == 11


def test_a_grammar_leaves_what_it_allows_and_hears_all_but_the_stop_token() -> None:
    grammar = Grammar(3, 31, 32, 69)
    one = state(mask=grammar, stops=frozenset({69}))
    kept = np.flatnonzero(np.isfinite(adjusted(one)))
    assert kept.tolist() == [3, 31, 32, 69]
    assert chosen(one, -np.arange(VOCABULARY, dtype=np.float32)) == 3
    assert chosen(one, np.arange(VOCABULARY, dtype=np.float32)) == 69
    assert grammar.accepted == [3]


def test_a_grammar_that_can_only_end_wins_over_the_least_number_of_tokens() -> None:
    early = {"stops": frozenset({69}), "min_tokens": 5}
    assert chosen(state(mask=Grammar(69), **early)) == 69
    assert np.flatnonzero(np.isfinite(adjusted(state(mask=Grammar(4, 69), **early)))).tolist() == [4]
    assert np.flatnonzero(np.isinf(adjusted(state(mask=Grammar(free=True), **early)))).tolist() == [69]


@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_a_grammar_that_allows_nothing_is_the_error_of_its_row(temperature: float) -> None:
    stuck, free = state(mask=Grammar(), temperature=temperature), state(temperature=temperature)
    broken, fine = sample([stuck, free], torch.tensor(LOGITS).repeat(2, 1))
    assert "no token is left" in str(broken)
    assert isinstance(fine, Choice)
