"""What a step of the loop does."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from inference.engines.transformers.counters import Counters
from inference.engines.transformers.schedule import plan_step


def test_everybody_decodes_while_one_prompt_comes_in_by_chunks() -> None:
    assert plan_step([1, 1300, 1, 20], chunk=512) == [1, 512, 1, 0]
    assert plan_step([1, 276, 1, 20], chunk=512) == [1, 276, 1, 0]
    assert plan_step([1, 1, 1, 20], chunk=512) == [1, 1, 1, 20]


@given(st.lists(st.integers(1, 3000), max_size=12), st.integers(1, 700))
def test_a_step_always_gets_on_and_never_feeds_more_than_one_chunk_of_prompts(pending: list[int], chunk: int) -> None:
    plan = plan_step(pending, chunk)
    assert all(0 <= fed <= count for fed, count in zip(plan, pending, strict=True))
    assert all(fed == 1 for fed, count in zip(plan, pending, strict=True) if count == 1)
    assert sum(fed for fed, count in zip(plan, pending, strict=True) if count > 1) <= chunk
    assert not pending or sum(plan) > 0


def test_tokens_per_second_are_an_average_that_falls_when_work_ends() -> None:
    now = [100.0]
    counters = Counters(lambda: now[0])
    for second in range(10):
        now[0] = 100.0 + second
        counters.add_tokens(20)
    assert counters.tokens_per_second() == 20
    now[0] += 60
    assert counters.tokens_per_second() == 0
    assert counters.tokens == 200
