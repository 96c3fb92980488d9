"""The stub of vLLM's engine core: what it says, and when."""

from __future__ import annotations

from bench.vllm_engine import Voice


def test_each_request_has_a_token_after_each_delay_until_it_has_all() -> None:
    voice = Voice([7, 8], delay_s=0.010)
    voice.add("a", count=3, now=1.000)
    voice.add("b", count=1, now=1.005)
    assert voice.due(1.009) == []
    assert voice.due(1.010) == [("a", 7, False)]
    assert voice.due(1.021) == [("b", 7, True), ("a", 8, False)]
    assert voice.due(1.031) == [("a", 7, True)]
    assert len(voice) == 0


def test_whom_nobody_waits_for_is_told_nothing() -> None:
    voice = Voice([7], delay_s=0.010)
    voice.add("a", count=3, now=1.0)
    voice.add("b", count=3, now=1.0)
    voice.drop(["a"])
    assert voice.due(2.0) == [("b", 7, False)]


def test_it_sleeps_until_the_next_token_and_without_requests_until_there_is_one() -> None:
    voice = Voice([7], delay_s=0.010)
    assert voice.patience_ms(1.0) is None
    voice.add("a", count=1, now=1.0)
    assert voice.patience_ms(1.0005) == 10
    assert voice.patience_ms(3.0) == 0
