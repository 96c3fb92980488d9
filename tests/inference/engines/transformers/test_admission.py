"""Which requests are answered at all."""

from __future__ import annotations

import pytest

from inference.engines.base import SamplingParams
from inference.engines.transformers.admission import Limits, admit, check_input
from inference.engines.transformers.defaults import SamplingDefaults
from inference.errors import InvalidRequest

LIMITS = Limits(context_length=10, vocabulary=100, stop_ids=frozenset({2}), defaults=SamplingDefaults())


def test_without_max_tokens_the_rest_of_the_context_is_there() -> None:
    assert admit([5] * 4, SamplingParams(), LIMITS).max_tokens == 6
    assert admit([5] * 4, SamplingParams(max_tokens=6), LIMITS).max_tokens == 6


def test_a_prompt_that_fills_the_context_is_refused_with_the_numbers() -> None:
    with pytest.raises(InvalidRequest, match="holds 10 tokens, but the prompt alone has 12") as refused:
        admit([5] * 12, SamplingParams(), LIMITS)
    assert refused.value.code == "context_length_exceeded"


def test_more_than_is_left_is_refused_with_the_numbers() -> None:
    message = "holds 10 tokens, but 11 are asked for: 4 in the prompt and 7 to generate.* 6 at most"
    with pytest.raises(InvalidRequest, match=message) as refused:
        admit([5] * 4, SamplingParams(max_tokens=7), LIMITS)
    assert (refused.value.param, refused.value.code) == ("max_tokens", "context_length_exceeded")


def test_ignoring_the_end_of_text_leaves_no_stop_tokens() -> None:
    assert admit([5], SamplingParams(), LIMITS).stop_ids == {2}
    assert admit([5], SamplingParams(ignore_eos=True), LIMITS).stop_ids == frozenset()


@pytest.mark.parametrize("ids", [[], [100], [-1]])
def test_tokens_that_the_model_has_no_vectors_for_are_refused(ids: list[int]) -> None:
    with pytest.raises(InvalidRequest, match=r"no tokens|ids go from 0 to 99"):
        admit(ids, SamplingParams(), LIMITS)


def test_a_text_to_embed_may_fill_the_context_but_not_more() -> None:
    check_input([5] * 10, 10, 100)
    with pytest.raises(InvalidRequest, match="at most 10 tokens, but an input has 11"):
        check_input([5] * 11, 10, 100)
