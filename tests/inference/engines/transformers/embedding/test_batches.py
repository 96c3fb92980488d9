"""Which texts share a batch: bounds and padding, for any lengths."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from inference.engines.transformers.embedding.batches import BatchLimits, choose_run, limits_for

LIMITS = BatchLimits(texts=8, tokens=200, padding=20)


@given(st.lists(st.integers(1, 300), min_size=1, max_size=60).map(sorted), st.data())
def test_a_batch_keeps_to_its_bounds_around_the_text_whose_turn_it_is(lengths: list[int], data: st.DataObject) -> None:
    anchor = data.draw(st.integers(0, len(lengths) - 1))
    run = choose_run(lengths, anchor, LIMITS)
    assert anchor in run
    assert 0 <= run.start < run.stop <= len(lengths)
    chosen = lengths[run.start : run.stop]
    assert len(chosen) <= 8
    assert len(chosen) * max(chosen) - sum(chosen) <= 20
    assert len(chosen) == 1 or len(chosen) * max(chosen) <= 200


@given(st.lists(st.integers(1, 300), min_size=1, max_size=60).map(sorted), st.data())
def test_a_batch_stops_only_where_the_next_text_would_break_a_bound(lengths: list[int], data: st.DataObject) -> None:
    run = choose_run(lengths, data.draw(st.integers(0, len(lengths) - 1)), LIMITS)
    neighbours = [lengths[run.start - 1]] if run.start else []
    neighbours += lengths[run.stop : run.stop + 1]
    larger = [sorted([*lengths[run.start : run.stop], length]) for length in neighbours]
    broken = [
        len(texts) > 8 or len(texts) * texts[-1] > 200 or len(texts) * texts[-1] - sum(texts) > 20 for texts in larger
    ]
    assert len(broken) == 0 or any(broken)


def test_equal_lengths_share_a_batch_up_to_its_tokens() -> None:
    assert len(choose_run([10] * 100, 50, BatchLimits(texts=256, tokens=320, padding=64))) == 32


def test_a_text_larger_than_any_batch_goes_alone() -> None:
    assert choose_run([5, 900], 1, LIMITS) == range(1, 2)


def test_the_operators_bounds_win_and_a_gpu_takes_more_than_a_cpu() -> None:
    cpu, gpu = limits_for("cpu", generates=False), limits_for("cuda:1", generates=False)
    assert cpu.tokens < gpu.tokens
    for device in ("cpu", "cuda:1"):
        assert limits_for(device, generates=True).texts < cpu.texts
    chosen = limits_for("cpu", generates=True, texts=3, tokens=70)
    assert (chosen.texts, chosen.tokens) == (3, 70)


def test_bounds_halve_when_memory_ran_out_but_never_to_nothing() -> None:
    halved = LIMITS.after_running_out(160)
    # The other half of that batch runs out as well, which says nothing new.
    assert halved.tokens == halved.after_running_out(160).tokens == 80
    assert BatchLimits(1, 1, 0).after_running_out(1).tokens == 1
