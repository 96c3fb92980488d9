"""Which requests are answered at all."""

from __future__ import annotations

from typing import Any

import pytest

from inference.engines.base import SamplingParams
from inference.engines.transformers.admission import Limits, admit, check_input
from inference.engines.transformers.defaults import SamplingDefaults
from inference.errors import InvalidRequest

LIMITS = Limits(context_length=10, vocabulary=100, stop_ids=frozenset({2}), defaults=SamplingDefaults())


def test_without_max_tokens_the_rest_of_the_context_is_there() -> None:
    assert admit([5] * 4, SamplingParams(), LIMITS).max_tokens == 6
    assert admit([5] * 4, SamplingParams(max_tokens=6), LIMITS).max_tokens == 6


@pytest.mark.parametrize("length", [10, 12])
def test_a_prompt_that_fills_the_context_is_refused_with_the_numbers(length: int) -> None:
    with pytest.raises(InvalidRequest, match=f"holds 10 tokens, but the prompt alone has {length}") as refused:
        admit([5] * length, SamplingParams(), LIMITS)
    assert refused.value.code == "context_length_exceeded"


def test_a_prompt_that_is_only_looked_at_may_fill_the_context_but_not_more() -> None:
    assert admit([5] * 10, SamplingParams(max_tokens=0), LIMITS).max_tokens == 0
    with pytest.raises(InvalidRequest, match="the prompt alone has 11"):
        admit([5] * 11, SamplingParams(max_tokens=0), LIMITS)


def test_more_than_is_left_is_refused_with_the_numbers() -> None:
    message = "holds 10 tokens, but 11 are asked for: 4 in the prompt and 7 to generate.* 6 at most"
    with pytest.raises(InvalidRequest, match=message) as refused:
        admit([5] * 4, SamplingParams(max_tokens=7), LIMITS)
    assert (refused.value.param, refused.value.code) == ("max_tokens", "context_length_exceeded")


def test_stop_tokens_of_the_request_join_the_models_own_which_may_be_ignored() -> None:
    assert admit([5], SamplingParams(), LIMITS).stop_ids == {2}
    both = admit([5], SamplingParams(stop_token_ids=(7,)), LIMITS)
    assert (both.stop_ids, both.named_stop_ids) == ({2, 7}, {7})
    assert admit([5], SamplingParams(ignore_eos=True), LIMITS).stop_ids == frozenset()
    assert admit([5], SamplingParams(ignore_eos=True, stop_token_ids=(2,)), LIMITS).stop_ids == {2}


@pytest.mark.parametrize("ids", [[], [100], [-1]])
def test_tokens_that_the_model_has_no_vectors_for_are_refused(ids: list[int]) -> None:
    with pytest.raises(InvalidRequest, match=r"no tokens|ids go from 0 to 99"):
        admit(ids, SamplingParams(), LIMITS)


@pytest.mark.parametrize(
    ("fields", "param", "message"),
    [
        ({"logit_bias": {5: 1.0, 100: 2.0}}, "logit_bias", "'logit_bias' has the token id 100.*from 0 to 99"),
        ({"stop_token_ids": (-1, 4)}, "stop_token_ids", "'stop_token_ids' has the token id -1"),
        ({"min_tokens": 4, "max_tokens": 3}, "min_tokens", "asks for 4 tokens, but at most 3 may be generated"),
        ({"min_tokens": 10}, "min_tokens", "asks for 10 tokens, but at most 9"),
        ({"logprobs": 21}, "logprobs", "the 21 likeliest tokens; ask for 0 to 20"),
        ({"prompt_logprobs": -1}, "prompt_logprobs", "ask for 0 to 20"),
    ],
)
def test_a_value_that_cannot_be_is_refused_with_the_numbers(fields: dict[str, Any], param: str, message: str) -> None:
    with pytest.raises(InvalidRequest, match=message) as refused:
        admit([5], SamplingParams(**fields), LIMITS)
    assert refused.value.param == param


def test_a_text_to_embed_may_fill_the_context_but_not_more() -> None:
    check_input([5] * 10, 10, 100)
    with pytest.raises(InvalidRequest, match="at most 10 tokens, but an input has 11"):
        check_input([5] * 11, 10, 100)
    with pytest.raises(InvalidRequest, match="'input' has the token id 100") as refused:
        check_input([100], 10, 100)
    assert refused.value.param == "input"
