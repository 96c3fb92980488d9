"""The tables of a comparison."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bench.limits import Limits
from bench.load.answer import Answer
from bench.load.figures import Figures, Prefix, Stall
from bench.scenarios import stalled
from bench.tables import Tables, number

ONE = Figures(192.0, 10.0, 12.5, 5.0, 9.0, 384, 0, 0.02)


def test_ratios_are_ours_by_each_peers_and_shares_are_of_the_machine() -> None:
    results = {"engine": {"1": ONE}, "vLLM": {"1": replace(ONE, tokens_per_second=80.0, failed=2)}}
    limits = Limits(read=52e9, flops=700e9, weight_bytes=269_030_016, weights=134_515_008)
    shown = str(Tables(results, ["vLLM"], limits))
    assert "| engine ÷ vLLM | **2.40** |" in shown
    assert "| vLLM | 80.0 (2 failed) |" in shown
    assert "| engine, share of it | 99% |" in shown
    assert "| engine | 10.0 / 12.5 |" in shown


def test_columns_that_nobody_measured_are_left_out() -> None:
    shown = str(Tables({"engine": {"prefix": Prefix(100, 12, 896), "stall": Stall(10, 25, 300, 2003)}}))
    assert shown.startswith("| a 2,000-token prompt among 8 streams |")
    assert "| engine | 100 | 12.0 | 0.12 | 896 |" in shown
    assert "| engine | 10.0 | 25.0 | 2.50 | 300 | 2003 |" in shown


def test_a_limit_is_the_memorys_until_it_is_the_arithmetics() -> None:
    limits = Limits(read=100.0, flops=1000.0, weight_bytes=10, weights=5)
    assert [limits.tokens_per_second(streams) for streams in (1, 8, 32)] == [10, 80, 100]


def test_the_longest_gap_is_of_the_time_in_which_the_long_prompt_was_read() -> None:
    running = Answer(200, 2.0, 0.0, times=[0.25, 0.5, 0.75, 1.5, 1.75, 2.75])
    long = Answer(200, 1.0, 1.0, first=0.5, usage={"prompt_tokens": 2000})
    assert stalled([running], long) == Stall(step=250.0, longest=750.0, ttft=500.0, prompt_tokens=2000)


@pytest.mark.parametrize(("value", "shown"), [(1234.5, "1,234"), (99.94, "99.9"), (1.234, "1.23")])
def test_numbers_have_three_digits(value: float, shown: str) -> None:
    assert number(value) == shown
