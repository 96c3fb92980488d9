"""Sorted figures that follow a changing fleet: the best device, or the tightest that still fits, in O(log n)."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable, Iterable, Sequence

REBUILD = 2  # when more than half of the entries changed, sorting anew is faster than moving each


class Ranking:
    """Entries (numbers) by a figure each; an entry whose figure is None is not ranked.

    `journal` lists what changed in the fleet, oldest first; a ranking reads the new part when it is asked, so that one
    which nobody asks costs nothing.
    """

    def __init__(self, entries: Iterable[int], figure: Callable[[int], int | None], journal: Sequence[int]) -> None:
        self._figure = figure
        self._journal = journal
        self._known: dict[int, int | None] = dict.fromkeys(entries)
        self._build()

    def best(self) -> tuple[int, int] | None:
        """The largest figure with its entry; of equal ones the lowest entry."""
        self._catch_up()
        return (self._sorted[-1][0], -self._sorted[-1][1]) if self._sorted else None

    def tightest(self, least: int) -> int | None:
        """The entry with the smallest figure of at least `least`; of equal ones the lowest entry."""
        self._catch_up()
        at = bisect_left(self._sorted, (least,))
        if at == len(self._sorted):
            return None
        last_equal = bisect_left(self._sorted, (self._sorted[at][0] + 1,)) - 1
        return -self._sorted[last_equal][1]

    def top(self, count: int, *, least: int | None = None) -> list[int]:
        """The entries with the largest figures, best first; with `least` only those that have so much."""
        self._catch_up()
        best = self._sorted[: -count - 1 : -1]
        return [-minus for figure, minus in best if least is None or figure >= least]

    def at_least(self, least: int) -> int:
        """How many entries have such a figure."""
        self._catch_up()
        return len(self._sorted) - bisect_left(self._sorted, (least,))

    def __len__(self) -> int:
        self._catch_up()
        return len(self._sorted)

    def _build(self) -> None:
        self._known = {entry: self._figure(entry) for entry in self._known}
        self._sorted: list[tuple[int, ...]] = sorted(
            (figure, -entry) for entry, figure in self._known.items() if figure is not None
        )
        self._read = len(self._journal)

    def _catch_up(self) -> None:
        if self._read == len(self._journal):
            return
        changed = self._known.keys() & self._journal[self._read :]
        if len(changed) * REBUILD > len(self._known):
            self._build()
            return
        for entry in changed:
            self._move(entry)
        self._read = len(self._journal)

    def _move(self, entry: int) -> None:
        old, new = self._known[entry], self._figure(entry)
        if new == old:
            return
        if old is not None:
            del self._sorted[bisect_left(self._sorted, (old, -entry))]
        if new is not None:
            insort(self._sorted, (new, -entry))
        self._known[entry] = new
