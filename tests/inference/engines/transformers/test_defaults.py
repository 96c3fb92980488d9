"""Whose sampling values win."""

from __future__ import annotations

import pytest

from inference.engines.base import SamplingParams
from inference.engines.transformers.defaults import Sampling, SamplingDefaults, stop_token_ids
from inference.errors import LoadError


def test_a_request_wins_over_the_file_and_the_file_over_neutral_values() -> None:
    defaults = SamplingDefaults.read({"temperature": 0.6, "top_k": 20, "do_sample": False})
    chosen = defaults.merged(SamplingParams(top_k=0, presence_penalty=0.5, seed=7))
    assert chosen == Sampling(temperature=0.6, top_k=0, presence_penalty=0.5, seed=7)


def test_without_a_file_a_request_without_values_is_neutral() -> None:
    assert SamplingDefaults.read({}).merged(SamplingParams()) == Sampling()


def test_zero_in_a_request_is_a_value_and_not_an_absence() -> None:
    defaults = SamplingDefaults.read({"temperature": 0.6, "min_p": 0.1})
    chosen = defaults.merged(SamplingParams(temperature=0.0, min_p=0.0))
    assert (chosen.temperature, chosen.min_p) == (0.0, 0.0)


@pytest.mark.parametrize("value", ["0.7", True, [1]])
def test_a_file_whose_value_is_no_number_fails_the_load(value: object) -> None:
    with pytest.raises(LoadError, match=r"generation_config has temperature = .*, which is no number"):
        SamplingDefaults.read({"temperature": value})


def test_every_source_of_stop_tokens_counts() -> None:
    assert stop_token_ids([1, 2], 3, None) == {1, 2, 3}
    assert stop_token_ids(None, None) == frozenset()
