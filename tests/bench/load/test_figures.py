"""What a load comes to."""

from __future__ import annotations

import math

from bench.load.answer import Answer
from bench.load.figures import Prefix, figures, median, percentile


def answer(*times: float, tokens: int = 0, error: str = "") -> Answer:
    return Answer(200, 1.0, 0.0, times=list(times), usage={"completion_tokens": tokens}, error=error)


def test_a_percentile_is_a_value_that_was_there() -> None:
    ordered = [float(value) for value in range(1, 101)]
    assert [percentile(ordered, share) for share in (0, 0.5, 0.95, 0.99, 1)] == [1, 51, 96, 100, 100]
    assert math.isnan(percentile([], 0.5))


def test_tokens_are_those_that_the_server_counts_else_the_pieces() -> None:
    found = figures([answer(0.1, 0.2, 0.3, tokens=10), answer(0.2, 0.4)], 2.0, client_seconds=0.1)
    assert (found.tokens, found.tokens_per_second, found.client) == (12, 6.0, 0.05)
    assert (found.ttft, round(found.itl)) == (200.0, 100)


def test_what_failed_is_counted_as_failed_and_nowhere_else() -> None:
    found = figures([answer(0.1, tokens=4), answer(0.001, tokens=400, error="cut"), answer()], 1.0)
    assert (found.tokens, found.failed, found.ttft) == (4, 2, 100.0)


def test_rounds_become_medians_and_failures_a_sum() -> None:
    assert median([Prefix(1, 30, 0), Prefix(9, 10, 0), Prefix(2, 20, 896)]) == Prefix(2, 20, 0)
    rounds = [figures([answer(0.1), answer()], seconds) for seconds in (1.0, 2.0, 4.0)]
    assert (median(rounds).tokens_per_second, median(rounds).failed) == (0.5, 3)
