"""The whole answer to a request that found no place, fast for thousands of devices."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import chain, islice
from typing import overload

from registry.placement import reasons as kinds
from registry.placement.advice import advise
from registry.placement.census import Census
from registry.placement.reasons import Reasons
from registry.placement.refusals import SHOWN, Refusal, Unplaceable, summary
from registry.placement.room import Room
from registry.placement.search import Search
from registry.placement.views import Request


class LazyRefusals(Sequence[Refusal]):
    """A reason for each of thousands of devices, worked out when somebody reads it."""

    def __init__(self, work_out: Callable[[], Iterator[Refusal]]) -> None:
        self._work_out = work_out
        self._known: tuple[Refusal, ...] | None = None

    @property
    def known(self) -> tuple[Refusal, ...]:
        if self._known is None:
            self._known = tuple(self._work_out())
        return self._known

    @overload
    def __getitem__(self, index: int) -> Refusal: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Refusal]: ...

    def __getitem__(self, index: int | slice) -> Refusal | Sequence[Refusal]:
        return self.known[index]

    def __len__(self) -> int:
        return len(self.known)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and self.known == tuple(other)

    def __hash__(self) -> int:
        return hash(self.known)


class Explainer:
    """Answers for requests that the search found no place for."""

    def __init__(self, census: Census, room: Room, search: Search) -> None:
        self._census, self._room, self._search = census, room, search

    def explain(self, request: Request) -> Unplaceable:
        """Why not, as of now: also when the refusals are read after the fleet has changed."""
        moment = len(self._room.changed)
        advice = advise(request, self._search, self._census)
        shown, rest = self._sample(request)
        return Unplaceable(
            refusals=LazyRefusals(lambda: self._all(request, moment)),
            advice=advice,
            sentence=summary(shown, rest, advice=advice),
        )

    def _all(self, request: Request, moment: int) -> Iterator[Refusal]:
        free, holders = self._room.as_of(moment)
        return Reasons(self._census, request, free=free, holders=holders).all()

    def _sample(self, request: Request) -> tuple[list[Refusal], Counter[str]]:
        """The devices that a sentence names, and how many others there are of each kind."""
        reasons = Reasons(self._census, request, free=self._room.free, holders=self._room.holders)
        if request.groups or len(self._census.devices) <= SHOWN:
            every = list(reasons.named() if request.groups else reasons.all())
            return every[:SHOWN], Counter(refusal.kind for refusal in every[SHOWN:])
        shown = [reasons.of(position) for position in sorted(self._nearest(request))]
        counts = self._counts(request, reasons.count)
        counts.subtract(Counter(refusal.kind for refusal in shown))
        return shown, counts

    def _nearest(self, request: Request) -> list[int]:
        """Those that came nearest to fitting, and then some that could not be used at all."""
        best = self._search.ranking(request, 1).top(SHOWN)
        barred = self._census.eligible(self._census.filter(request)).barred.values()
        return best + list(islice(chain.from_iterable(barred), SHOWN - len(best)))

    def _counts(self, request: Request, count: int) -> Counter[str]:
        eligible = self._census.eligible(self._census.filter(request))
        counts = Counter({reason: len(positions) for reason, positions in eligible.barred.items()})
        ranking, share = self._search.ranking(request, 1), request.share(count)
        counts[kinds.HELD] = len(eligible.positions) - len(ranking)
        if request.max_per_gpu is not None and share > request.max_per_gpu:
            counts[kinds.OVER_LIMIT] = len(ranking)
        else:
            counts[kinds.LONELY] = ranking.at_least(share)
            counts[kinds.TOO_FULL] = len(ranking) - counts[kinds.LONELY]
        return counts
