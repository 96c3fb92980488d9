"""Log probabilities against numpy's logarithm of the softmax in float64."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

from inference.engines.base import TokenLogprob  # noqa: E402
from inference.engines.transformers.defaults import Sampling  # noqa: E402
from inference.engines.transformers.sampling import (  # noqa: E402
    Choice,
    SamplerState,
    prompt_logprobs,
    sample,
)
from inference.engines.transformers.sampling.likeliest import highest, highest_by_sorting  # noqa: E402

LOGITS = np.random.default_rng(3).normal(0, 3, (4, 3001)).astype(np.float32)


def reference(row: Any, token_id: int, top: int) -> TokenLogprob:
    logs = row.astype(np.float64) - row.max()
    logs -= np.log(np.exp(logs).sum())
    order = sorted(range(len(row)), key=lambda i: (-logs[i], i))[:top]
    return TokenLogprob(token_id, float(logs[token_id]), tuple((i, float(logs[i])) for i in order))


def assert_close(got: TokenLogprob | None, expected: TokenLogprob) -> None:
    assert got is not None
    assert got.token_id == expected.token_id
    assert got.logprob == pytest.approx(expected.logprob, abs=1e-5)
    assert [token_id for token_id, _ in got.top] == [token_id for token_id, _ in expected.top]
    assert [value for _, value in got.top] == pytest.approx([value for _, value in expected.top], abs=1e-5)


@pytest.mark.parametrize("top", [0, 1, 20])
def test_those_of_a_prompt_are_the_models_own(top: int) -> None:
    ids = [5, 2999, 0, 17]
    for row, got in enumerate(prompt_logprobs(torch.tensor(LOGITS), ids, top)):
        assert_close(got, reference(LOGITS[row], ids[row], top))


def test_those_of_an_answer_know_nothing_of_temperature_penalties_and_filters() -> None:
    wanted = [
        Sampling(temperature=3.0, top_k=4, seed=1, logprobs=7),
        Sampling(temperature=0.0),
        Sampling(temperature=0.0, logprobs=0),
        Sampling(temperature=0.0, repetition_penalty=9.0, logit_bias={8: 100.0}, logprobs=2),
    ]
    states = [SamplerState(one, [0], vocabulary=3001, stop_ids=frozenset()) for one in wanted]
    for row, choice in enumerate(sample(states, torch.tensor(LOGITS))):
        assert isinstance(choice, Choice)
        if (top := wanted[row].logprobs) is None:
            assert choice.logprob is None
        else:
            assert_close(choice.logprob, reference(LOGITS[row], choice.token_id, top))


@pytest.mark.parametrize("count", [1, 20, 40, 60])
def test_equal_ones_stand_in_the_order_of_their_ids_however_a_device_finds_them(count: int) -> None:
    coarse = LOGITS.round()
    columns = [sorted(range(3001), key=lambda i: (-row[i], i))[:count] for row in coarse.tolist()]
    for find in (highest, highest_by_sorting):
        found = find(torch.tensor(coarse), count)
        assert [[column for column, _ in row] for row in found] == columns
        assert all(value == coarse[at][column] for at, row in enumerate(found) for column, value in row)
