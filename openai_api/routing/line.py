"""Who waits for a model, and whose turn it is: no clock, no effects."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    """A request in the line: `number` counts arrivals, `share` is whose part of the model it takes."""

    number: int
    share: str = ""
    priority: int = 0


class Line:
    """One model's line. First come higher priorities, then who has the fewest requests running, then who had a turn
    longest ago, then who came first.

    A share's turn is never older than its coming, so newcomers wait behind those who wait already: a share whose
    requests have the highest priority that waits gets its turn after at most one of each other share, however many
    follow. Within a priority nobody starves, and seats are divided evenly among those who want them.
    """

    def __init__(self) -> None:
        self._waiting: dict[tuple[int, str], deque[Place]] = {}
        self._running: Counter[str] = Counter()
        self._turns: dict[str, int] = {}
        self._turn = 0
        self._length = 0

    def __len__(self) -> int:
        return self._length

    @property
    def used(self) -> bool:
        """Whether anybody waits or runs."""
        return bool(self._length or self._running)

    def join(self, place: Place) -> None:
        """Wait. One that had a seat for nothing goes back to where it was."""
        self._turns.setdefault(place.share, self._turn)
        mine = self._waiting.setdefault((place.priority, place.share), deque())
        if mine and place.number < mine[0].number:
            mine.appendleft(place)
        else:
            mine.append(place)
        self._length += 1

    def leave(self, place: Place) -> None:
        """Wait no longer, seated or not."""
        key = (place.priority, place.share)
        self._waiting[key].remove(place)
        self._length -= 1
        if not self._waiting[key]:
            del self._waiting[key]
        self._forget(place.share)

    def seated(self, share: str) -> None:
        """A request of this share runs."""
        self._turn += 1
        self._turns[share] = self._turn
        self._running[share] += 1

    def ended(self, share: str) -> None:
        """A request of this share runs no more."""
        self._running[share] -= 1
        if not self._running[share]:
            del self._running[share]
        self._forget(share)

    def in_order(self) -> Iterator[Place]:
        """The first of each share, the one whose turn it is first. The line must not change meanwhile."""
        for _, key in sorted((self._rank(*key, first=mine[0]), key) for key, mine in self._waiting.items()):
            yield self._waiting[key][0]

    def position(self, place: Place) -> int:
        """How manieth the request is, from 1, if nobody else came or left and all shares took turns."""
        key = (place.priority, place.share)
        ahead = self._waiting[key].index(place)
        rank = self._rank(*key, first=self._waiting[key][0])
        for other, theirs in self._waiting.items():
            if other[0] > place.priority:
                ahead += len(theirs)
            elif other[0] == place.priority and other != key:
                before = self._rank(*other, first=theirs[0]) < rank
                ahead += min(len(theirs), self._waiting[key].index(place) + before)
        return ahead + 1

    def _rank(self, priority: int, share: str, *, first: Place) -> tuple[int, int, int, int]:
        return (-priority, self._running[share], self._turns[share], first.number)

    def _forget(self, share: str) -> None:
        # Its next turn begins at the newest, so that going and coming again gains nothing.
        if share not in self._running and not any(waiting == share for _, waiting in self._waiting):
            self._turns.pop(share, None)
