"""Limits in OpenAI's words."""

from __future__ import annotations

import math

import pytest

from openai_api.limits.arithmetic import Measure
from openai_api.limits.facts import LimitFacts
from openai_api.limits.wording import rate_headers, refusal, span

ANNA = LimitFacts(1, ("user", 7), "the user 'anna'", model="echo")


@pytest.mark.parametrize(
    ("seconds", "written"), [(0, "0ms"), (0.12, "120ms"), (1, "1s"), (360, "6m0s"), (3_661, "1h1m1s"), (59.5, "1m0s")]
)
def test_times_are_written_as_openai_writes_them(seconds: float, written: str) -> None:
    assert span(seconds) == written


def test_the_headers_show_the_limit_that_has_least_left() -> None:
    found = [Measure(1, "tokens", 900, 800.7, 6, 0), Measure(2, "day", 5_000, 40, 360, 0)]
    assert rate_headers(found) == {
        "x-ratelimit-limit-tokens": "5000",
        "x-ratelimit-remaining-tokens": "40",
        "x-ratelimit-reset-tokens": "6m0s",
    }


def test_a_refusal_says_whose_limit_how_much_and_when() -> None:
    error = refusal([Measure(1, "tokens", 900, 12.5, 59, 30.2)], [ANNA], tokens=500)
    assert (error.type, error.code, error.headers["Retry-After"]) == ("tokens", "rate_limit_exceeded", "31")
    assert error.message == (
        "The limit of the user 'anna' for 'echo' is reached: 900 tokens a minute, of which 12 are left, and this "
        "request may take 500. Try again in 31s."
    )


def test_what_can_never_be_let_in_says_so() -> None:
    error = refusal([Measure(1, "day", 900, 900, 60, math.inf)], [ANNA], tokens=901)
    assert error.headers["x-should-retry"] == "false"
    assert "ask for less" in error.message
