"""Time is counted once, in the innermost section."""

from __future__ import annotations

import pytest

from bench.profiling.hooks import HOOKS, STEP, place
from bench.profiling.stopwatch import Step, Stopwatch, shares


def test_a_section_has_its_own_time_without_that_of_calls_inside() -> None:
    clock = iter([0.0, 1.0, 4.0, 10.0])  # step begins, sample begins, sample ends, step ends
    watch = Stopwatch(lambda: next(clock))
    sample = watch.timed("sample", lambda: watch.feed(2, 2))
    watch.timed("other", sample, ends_a_step=True)()
    [step] = watch.steps
    assert (step.sections, step.seconds, step.decodes) == ({"sample": 3.0, "other": 7.0}, 10.0, True)


def test_a_failed_call_is_timed_like_any_other() -> None:
    watch = Stopwatch()
    with pytest.raises(ZeroDivisionError):
        watch.timed("forward", lambda: 1 / 0, ends_a_step=True)()
    assert watch.steps[0].sections.keys() == {"forward"}


def test_shares_are_of_all_time_the_costliest_first() -> None:
    found = shares([Step({"idle": 0.001, "forward": 0.003}), Step({"forward": 0.006})])
    assert [(name, round(one.mean, 6), one.share) for name, one in found.items()] == [
        ("forward", 4.5, pytest.approx(0.9)),
        ("idle", 0.5, pytest.approx(0.1)),
    ]
    assert shares([]) == {}


@pytest.mark.torch
@pytest.mark.parametrize("hook", [*HOOKS, STEP], ids=lambda hook: hook[1])
def test_what_is_timed_is_there(hook: tuple[str, str, str]) -> None:
    holder, name = place(*hook[:2])
    assert callable(getattr(holder, name))
