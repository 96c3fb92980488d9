"""From what was generated to what is returned."""

from __future__ import annotations

import pytest

from inference.engines.base import Delta, Prompt, SamplingParams, TokenLogprob
from inference.protocol.completions import CompletionRequest
from inference.protocol.responses import Usage
from inference.server.drafts import Draft, Generation, chosen_drafts, mean_logprob
from inference.server.generation import choice_specs


def draft(*logprobs: float) -> Draft:
    return [Delta("x", count, logprobs=(TokenLogprob(1, value),)) for count, value in enumerate(logprobs, 1)]


def test_the_best_have_the_highest_log_probability_per_token_and_not_in_all() -> None:
    long, short, best = draft(-0.5, -0.5, -0.5), draft(-1.0), draft(-0.1)
    assert chosen_drafts([long, short, best], candidates=3, n=2) == [2, 0]


def test_the_best_are_found_for_each_prompt() -> None:
    drafts = [draft(-1.0), draft(-0.5), draft(-0.1), draft(-0.2)]
    assert chosen_drafts(drafts, candidates=2, n=1) == [1, 2]


def test_without_more_candidates_the_order_is_that_of_the_seeds() -> None:
    assert chosen_drafts([draft(-1.0), draft(-0.1)], candidates=2, n=2) == [0, 1]


def test_of_equals_the_first_is_the_best() -> None:
    assert chosen_drafts([draft(-0.5), draft(-0.5)], candidates=2, n=1) == [0]


def test_nothing_generated_is_as_likely_as_can_be() -> None:
    assert mean_logprob([Delta("", 0, "length")]) == 0.0


@pytest.mark.parametrize(
    ("newest", "usage"),
    [
        ([None] * 4, Usage(9, 0, 0)),
        ([Delta("", 3, cached_tokens=0), Delta("", 4, cached_tokens=5), None, None], Usage(9, 7, 0)),
        ([Delta("", 1, cached_tokens=c) for c in (2, 5, 4, 3)], Usage(9, 4, 5)),
    ],
)
def test_every_candidate_counts_and_a_prompt_that_one_of_them_computed_does_not_count_as_cached(
    newest: list[Delta | None], usage: Usage
) -> None:
    request = CompletionRequest.parse({"model": "m", "prompt": ["a", "b"], "best_of": 2})
    specs = choice_specs([Prompt((1,)), Prompt((2,))], SamplingParams(), n=request.candidates)
    assert Generation(request, specs, 9).usage(newest) == usage
