"""How an answer grows and ends, without a model."""

from __future__ import annotations

from typing import Any

import pytest

from inference.engines.base import Delta, TokenLogprob
from inference.engines.transformers.defaults import Sampling
from inference.engines.transformers.sequence import Request, Sequence
from inference.text.stream import TextStream

WORDS = {1: "one", 2: " two", 3: " three", 8: "<own>", 9: "<end>"}


def sequence(
    *, max_tokens: int = 10, stops: tuple[str, ...] = (), include_stop: bool = False, **given: Any
) -> Sequence:
    given = {"stop_ids": frozenset({8, 9}), "named_stop_ids": frozenset({8}), **given}
    sampling = Sampling(min_tokens=given.pop("min_tokens", 0))
    request = Request([7], sampling, max_tokens=max_tokens, include_stop=include_stop, **given)
    text = TextStream(lambda ids: "".join(WORDS[i] for i in ids), stops, include_stop=include_stop)
    return Sequence(request, text)


def accepted(running: Sequence, *token_ids: int) -> list[Delta]:
    return [running.accept(token_id) for token_id in token_ids]


def test_the_stop_token_counts_but_is_not_shown() -> None:
    running = sequence()
    assert accepted(running, 1, 2, 9) == [Delta("one", 1), Delta(" two", 2), Delta("", 3, "stop")]
    assert running.finished


@pytest.mark.parametrize(("include_stop", "text"), [(False, ""), (True, "<own>")])
def test_a_stop_token_that_the_request_named_is_the_reason_and_shown_if_wanted(include_stop: bool, text: str) -> None:
    running = sequence(include_stop=include_stop)
    assert running.accept(8) == Delta(text, 1, "stop", stop_reason=8)


def test_the_models_own_stop_token_is_never_shown() -> None:
    assert sequence(include_stop=True).accept(9) == Delta("", 1, "stop")


def test_max_tokens_end_an_answer_for_its_length() -> None:
    running = sequence(max_tokens=2)
    assert accepted(running, 1, 2) == [Delta("one", 1), Delta(" two", 2, "length")]


def test_a_stop_token_as_the_last_one_allowed_is_a_stop() -> None:
    assert sequence(max_tokens=1).accept(9) == Delta("", 1, "stop")


def test_text_held_for_a_stop_string_comes_out_at_the_end() -> None:
    running = sequence(max_tokens=2, stops=(" two three",))
    assert accepted(running, 1, 2) == [Delta("one", 1), Delta(" two", 2, "length")]


@pytest.mark.parametrize(("include_stop", "last"), [(False, ""), (True, "o th")])
def test_a_stop_string_across_tokens_ends_the_answer_and_is_its_reason(include_stop: bool, last: str) -> None:
    running = sequence(stops=("o th",), include_stop=include_stop)
    expected = [Delta("one", 1), Delta(" tw", 2), Delta(last, 3, "stop", stop_reason="o th")]
    assert accepted(running, 1, 2, 3) == expected


def test_before_the_least_number_of_tokens_a_stop_string_is_text_like_any_other() -> None:
    running = sequence(stops=("two", "o"), min_tokens=3)
    assert accepted(running, 1, 2) == [Delta("one", 1), Delta(" two", 2)]
    assert running.accept(2) == Delta(" ", 3, "stop", stop_reason="two")


def test_an_ignored_end_of_text_is_a_token_like_any_other() -> None:
    running = sequence(stop_ids=frozenset(), named_stop_ids=frozenset())
    assert running.accept(9) == Delta("<end>", 1)


def test_the_log_probability_of_a_token_comes_with_it_though_its_text_waits() -> None:
    running, logprob = sequence(stops=("one two",)), TokenLogprob(1, -0.5)
    assert running.accept(1, logprob) == Delta("", 1, logprobs=(logprob,))
