"""Times nested calls of one thread; each section gets what its calls took without the calls inside them."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import wraps
from statistics import median
from typing import Any


@dataclass(frozen=True, slots=True)
class Step:
    """One turn of the loop, and the wait before it: seconds by section. `rows` and `tokens` went through the model."""

    sections: Mapping[str, float]
    rows: int = 0
    tokens: int = 0

    @property
    def seconds(self) -> float:
        """All sections."""
        return sum(self.sections.values())

    @property
    def decodes(self) -> bool:
        """Whether every sequence got its next token, and no prompt was read."""
        return 0 < self.rows == self.tokens


class Stopwatch:
    """Wraps functions; who wraps the outermost one of a turn asks for a `Step` at its end."""

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self._spent: defaultdict[str, float] = defaultdict(float)
        self._inside: list[float] = []
        self._fed = (0, 0)
        self.steps: list[Step] = []

    def timed(self, section: str, function: Callable[..., Any], *, ends_a_step: bool = False) -> Callable[..., Any]:
        """The function, timed."""

        @wraps(function)
        def run(*args: Any, **kwargs: Any) -> Any:
            began = self._clock()
            self._inside.append(0.0)
            try:
                return function(*args, **kwargs)
            finally:
                took = self._clock() - began
                self._spent[section] += took - self._inside.pop()
                if self._inside:
                    self._inside[-1] += took
                if ends_a_step:
                    self._end()

        return run

    def feed(self, rows: int, tokens: int) -> None:
        """Say what goes through the model in this step."""
        self._fed = (rows, tokens)

    def _end(self) -> None:
        self.steps.append(Step(dict(self._spent), *self._fed))
        self._spent.clear()
        self._fed = (0, 0)


@dataclass(frozen=True, slots=True)
class Share:
    """Of one section in a number of steps: milliseconds a step (mean), their median, and the share of all time."""

    mean: float
    median: float
    share: float


def shares(steps: Sequence[Step]) -> dict[str, Share]:
    """By section, the costliest first; empty for no steps."""
    total = sum(step.seconds for step in steps)
    spent = {name: [step.sections.get(name, 0.0) for step in steps] for name in _names(steps)}
    ordered = sorted(spent, key=lambda name: -sum(spent[name]))
    return {
        name: Share(1e3 * sum(spent[name]) / len(steps), 1e3 * median(spent[name]), sum(spent[name]) / total)
        for name in ordered
    }


def _names(steps: Iterable[Step]) -> set[str]:
    return {name for step in steps for name in step.sections}
