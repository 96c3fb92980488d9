"""States of a worker, and when a client may come back."""

from __future__ import annotations

import pytest

from inference.engines.base import LoadProgress
from inference.failure import Failure
from inference.lifecycle import Lifecycle, Phase, retry_after_s
from inference.protocol.beat import WorkerState
from inference.protocol.causes import Cause


def test_a_worker_goes_from_loading_to_ready_to_draining() -> None:
    seen: list[WorkerState] = []
    lifecycle = Lifecycle()
    lifecycle.watch(lambda: seen.append(lifecycle.state))
    lifecycle.progress(LoadProgress(50, "halfway"))
    lifecycle.ready()
    lifecycle.drain()
    assert seen == [WorkerState.READY, WorkerState.DRAINING]


def test_late_progress_changes_nothing() -> None:
    lifecycle = Lifecycle()
    lifecycle.ready()
    lifecycle.progress(LoadProgress(10, "late"))
    assert (lifecycle.phase.progress, lifecycle.phase.detail) == (100, "")


def test_an_undeclared_transition_raises() -> None:
    lifecycle = Lifecycle()
    lifecycle.fail(Failure("broken", Cause.CRASHED))
    assert lifecycle.phase.failure == Failure("broken", Cause.CRASHED)
    with pytest.raises(ValueError, match="never goes from FAILED to READY"):
        lifecycle.ready()


@pytest.mark.parametrize(
    ("state", "progress", "elapsed", "expected"),
    [
        (WorkerState.LOADING, 0, 10.0, 1.0),
        (WorkerState.LOADING, 50, 10.0, 10.0),
        (WorkerState.LOADING, 99, 1.0, 1.0),
        (WorkerState.LOADING, 1, 60.0, 30.0),
        (WorkerState.DRAINING, 50, 10.0, 1.0),
    ],
)
def test_a_client_may_come_back_when_loading_should_be_done(
    state: WorkerState, progress: int, *, elapsed: float, expected: float
) -> None:
    assert retry_after_s(Phase(state, since=0.0, progress=progress), elapsed) == expected
