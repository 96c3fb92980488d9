"""Progress of nested pieces of work, as one percentage."""

from __future__ import annotations

from dataclasses import dataclass

from inference.engines.base import LoadProgress, ReportProgress


@dataclass(frozen=True, slots=True)
class Span:
    """A part of the whole, `start` to `end` in percent, that reports its own progress as a fraction from 0 to 1."""

    report: ReportProgress
    start: float = 0.0
    end: float = 100.0

    def at(self, fraction: float, detail: str) -> None:
        """Say how far this part is."""
        self.report(LoadProgress(round(self._percent(fraction)), detail))

    def part(self, start: float, end: float) -> Span:
        """The span of a piece of this part, given as fractions of it."""
        return Span(self.report, self._percent(start), self._percent(end))

    def _percent(self, fraction: float) -> float:
        return self.start + (self.end - self.start) * min(1.0, max(0.0, fraction))


class Changes:
    """Downloads and loops report thousands of times; only what a person would see as new goes on."""

    def __init__(self, report: ReportProgress) -> None:
        self._report = report
        self.last = LoadProgress(0, "")

    def __call__(self, progress: LoadProgress) -> None:
        if progress != self.last:
            self.last = progress
            self._report(progress)
