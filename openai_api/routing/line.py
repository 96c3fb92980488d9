"""Who waits for a model, and whose turn it is: no clock, no effects."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Hashable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    """A request in the line: `number` counts arrivals, `share` is whose part of the model it takes.

    Requests of one `kind` can be seated at the same replicas: those of another do not stand behind one that must wait.
    """

    number: int
    share: str = ""
    priority: int = 0
    kind: Hashable = None

    @property
    def queue(self) -> _Queue:
        """Where in the line it stands."""
        return self.priority, self.share, self.kind


_Queue = tuple[int, str, Hashable]


class Line:
    """One model's line. First come higher priorities, then who has the fewest requests running, then who had a turn
    longest ago, then who came first.

    A share's turn is never older than its coming, so newcomers wait behind those who wait already: a share whose
    requests have the highest priority that waits gets its turn after at most one of each other share, however many
    follow. Within a priority nobody starves, and seats are divided evenly among those who want them.
    """

    def __init__(self) -> None:
        self._waiting: dict[_Queue, deque[Place]] = {}
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
        mine = self._waiting.setdefault(place.queue, deque())
        if mine and place.number < mine[0].number:
            mine.appendleft(place)
        else:
            mine.append(place)
        self._length += 1

    def leave(self, place: Place) -> None:
        """Wait no longer, seated or not."""
        mine = self._waiting[place.queue]
        mine.remove(place)
        self._length -= 1
        if not mine:
            del self._waiting[place.queue]
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
        """The first of each share and kind, the one whose turn it is first. The line must not change meanwhile."""
        yield from sorted((mine[0] for mine in self._waiting.values()), key=self._rank)

    def position(self, place: Place) -> int:
        """How manieth the request is, from 1, if nobody else came or left and all shares took turns."""
        mine = self._waiting[place.queue]
        before_mine = mine.index(place)
        ahead, rank = before_mine, self._rank(mine[0])
        for queue, theirs in self._waiting.items():
            if queue[0] > place.priority:
                ahead += len(theirs)
            elif queue[:2] == place.queue[:2]:
                ahead += sum(one.number < place.number for one in theirs) if theirs is not mine else 0
            elif queue[0] == place.priority:
                ahead += min(len(theirs), before_mine + (self._rank(theirs[0]) < rank))
        return ahead + 1

    def _rank(self, first: Place) -> tuple[int, int, int, int]:
        return (-first.priority, self._running[first.share], self._turns[first.share], first.number)

    def _forget(self, share: str) -> None:
        # Its next turn begins at the newest, so that going and coming again gains nothing.
        if share not in self._running and not any(waiting == share for _, waiting, _ in self._waiting):
            self._turns.pop(share, None)
