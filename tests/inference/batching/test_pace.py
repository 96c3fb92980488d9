"""How much of a prompt a step takes."""

from __future__ import annotations

from inference.batching.pace import LEAST, MOST, PATIENCE_S, Pace


def test_a_prompt_comes_in_large_pieces_when_nobody_waits_for_a_token() -> None:
    assert Pace().budget(0) == MOST


def test_beside_streams_a_step_takes_no_longer_than_they_can_wait() -> None:
    pace = Pace()
    for _ in range(40):
        pace.observe(0.030, prompt_tokens=0, decoding=8)
        pace.observe(0.030 + 100 * 0.0005, prompt_tokens=100, decoding=8)
    assert abs(0.030 + pace.budget(8) * 0.0005 - PATIENCE_S) < 0.01


def test_on_a_slow_machine_streams_wait_at_most_three_steps() -> None:
    pace = Pace()
    for _ in range(40):
        pace.observe(0.2, prompt_tokens=0, decoding=8)
        pace.observe(0.2 + 100 * 0.004, prompt_tokens=100, decoding=8)
    assert 0.55 < 0.2 + pace.budget(8) * 0.004 <= 0.601


def test_however_slow_it_is_a_prompt_comes_further() -> None:
    pace = Pace()
    pace.observe(60.0, prompt_tokens=100, decoding=1)
    assert pace.budget(1) == LEAST
