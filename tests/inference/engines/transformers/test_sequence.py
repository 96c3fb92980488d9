"""How an answer grows and ends, without a model."""

from __future__ import annotations

from inference.engines.base import Delta
from inference.engines.transformers.defaults import Sampling
from inference.engines.transformers.sequence import Request, Sequence
from inference.text.stream import TextStream

WORDS = {1: "one", 2: " two", 3: " three", 9: "<end>"}


def sequence(
    *, max_tokens: int = 10, stops: tuple[str, ...] = (), stop_ids: frozenset[int] = frozenset({9})
) -> Sequence:
    request = Request([7], Sampling(), max_tokens, stop_ids)
    return Sequence(request, TextStream(lambda ids: "".join(WORDS[i] for i in ids), stops))


def test_the_stop_token_counts_but_is_not_shown() -> None:
    running = sequence()
    deltas = [running.accept(token_id) for token_id in (1, 2, 9)]
    assert deltas == [Delta("one", 1), Delta(" two", 2), Delta("", 3, "stop")]
    assert running.finished


def test_max_tokens_end_an_answer_for_its_length() -> None:
    running = sequence(max_tokens=2)
    assert [running.accept(1), running.accept(2)] == [Delta("one", 1), Delta(" two", 2, "length")]


def test_a_stop_token_as_the_last_one_allowed_is_a_stop() -> None:
    running = sequence(max_tokens=1)
    assert running.accept(9) == Delta("", 1, "stop")


def test_text_held_for_a_stop_string_comes_out_at_the_end() -> None:
    running = sequence(max_tokens=2, stops=(" two three",))
    assert [running.accept(1), running.accept(2)] == [Delta("one", 1), Delta(" two", 2, "length")]


def test_a_stop_string_across_tokens_ends_the_answer_before_it() -> None:
    running = sequence(stops=("o th",))
    assert [running.accept(i) for i in (1, 2, 3)] == [Delta("one", 1), Delta(" tw", 2), Delta("", 3, "stop")]


def test_an_ignored_end_of_text_is_a_token_like_any_other() -> None:
    running = sequence(stop_ids=frozenset())
    assert running.accept(9).finish_reason is None
