"""The figures under an answer, of one part and of several."""

from __future__ import annotations

import pytest

from pages.answers.pace import Figures, Pace

FIRST = Figures(prompt_tokens=10, completion_tokens=5, ttft_ms=200.0, tokens_per_second=8.0)


def went_on(tokens: int | None, seconds: float) -> Pace:
    """A part that began a second after it was asked for, and took so long after its first token."""
    return Pace(100.0, 101.0, 101.0 + seconds, tokens and 20, tokens, earlier=FIRST)


def test_tokens_of_both_parts_are_added_and_the_speed_is_over_the_time_of_both() -> None:
    together = went_on(9, 1.5).figures
    assert (together.prompt_tokens, together.completion_tokens, together.ttft_ms) == (30, 14, 200.0)
    assert together.tokens_per_second == pytest.approx((4 + 8) / (0.5 + 1.5))


def test_a_part_of_which_nothing_came_changes_nothing() -> None:
    assert Pace(100.0, earlier=FIRST).figures == FIRST


def test_what_is_not_known_of_one_part_is_not_known_of_both() -> None:
    cut = went_on(None, 1.0).figures
    assert cut == Figures(None, None, 200.0, FIRST.tokens_per_second)
    assert Figures().and_then(FIRST).completion_tokens is None


def test_a_single_token_has_no_speed_of_its_own() -> None:
    assert went_on(1, 0.0).figures.tokens_per_second == FIRST.tokens_per_second
