"""The states of a worker, and which may follow which."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from inference.engines.base import LoadProgress
from inference.failure import Failure
from inference.protocol.beat import WorkerState

log = logging.getLogger(__name__)

_NEXT = {
    WorkerState.LOADING: {WorkerState.READY, WorkerState.DRAINING, WorkerState.FAILED},
    WorkerState.READY: {WorkerState.DRAINING, WorkerState.FAILED},
    WorkerState.DRAINING: {WorkerState.FAILED},
    WorkerState.FAILED: set[WorkerState](),
}


@dataclass(frozen=True, slots=True)
class Phase:
    """Where a worker is: its state, and how far it came, or how it failed. `since` is monotonic, in seconds."""

    state: WorkerState
    since: float
    progress: int = 0
    detail: str = ""
    failure: Failure | None = None


class Lifecycle:
    """The worker's phase, replaced as a whole, so that other threads read it without a lock."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._watchers: list[Callable[[], None]] = []
        self.phase = Phase(WorkerState.LOADING, since=clock(), detail="starting")

    @property
    def state(self) -> WorkerState:
        """The state alone."""
        return self.phase.state

    def watch(self, on_change: Callable[[], None]) -> None:
        """Call `on_change` after every change of state; progress is none."""
        self._watchers.append(on_change)

    def progress(self, now: LoadProgress) -> None:
        """Loading came a bit further. Late news from a load that was given up is dropped."""
        if self.state is WorkerState.LOADING:
            self.phase = replace(self.phase, progress=now.percent, detail=now.detail)

    def ready(self) -> None:
        """The model is loaded."""
        self._move(WorkerState.READY, progress=100)

    def drain(self) -> None:
        """Nothing new is taken from now on."""
        self._move(WorkerState.DRAINING, progress=self.phase.progress)

    def fail(self, failure: Failure) -> None:
        """The worker cannot serve."""
        self._move(WorkerState.FAILED, progress=self.phase.progress, failure=failure)

    def elapsed_s(self) -> float:
        """Seconds in the present state."""
        return self._clock() - self.phase.since

    def _move(self, state: WorkerState, *, progress: int, failure: Failure | None = None) -> None:
        if state not in _NEXT[self.state]:
            raise ValueError(f"A worker never goes from {self.state} to {state}.")
        log.info("%s after %.1f s as %s", state, self.elapsed_s(), self.state)
        self.phase = Phase(state, since=self._clock(), progress=progress, failure=failure)
        for notify in self._watchers:
            notify()


def retry_after_s(phase: Phase, elapsed_s: float) -> float:
    """When a client may try again: while loading, as long as the rest takes at the speed so far, at most 30 s."""
    if phase.state is not WorkerState.LOADING or phase.progress <= 0:
        return 1.0
    left = elapsed_s * (100 - phase.progress) / phase.progress
    return min(30.0, max(1.0, left))
