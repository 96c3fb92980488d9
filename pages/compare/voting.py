"""Votes of comparisons. They are battles as well, but not blind ones."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext

from pages.arena.judging import Heard
from pages.arena.voting import heard, set_aside
from pages.errors import Refused
from pages.lanes.rows import held, lanes_of
from pages.models import Battle, Conversation, Vote

BOTH = frozenset({Vote.TIE, Vote.BAD})


@transaction.atomic
def vote(person: int, comparison: UUID, *, best: UUID | None, verdict: str = "") -> list[Battle]:
    """Keep what a person said, once a comparison. Raises NothingHere, Refused.

    `best` is the lane that won: one battle for each other lane, which it lost. Without it the verdict is `tie` or
    `bad`, one battle for each two lanes.
    """
    lanes = held(lanes_of(person, comparison))
    if Battle.objects.filter(Q(lane_a__in=lanes) | Q(lane_b__in=lanes)).exists():
        raise Refused(gettext("You have voted on this comparison."))
    pairs = _pairs(lanes, best, verdict)
    told = {lane.id: heard(lane) for lane in lanes}
    return [_kept(person, pair, said, told=(told[pair[0].id], told[pair[1].id])) for pair, said in pairs]


Pair = tuple[Conversation, Conversation]


def _pairs(lanes: Sequence[Conversation], best: UUID | None, verdict: str) -> list[tuple[Pair, str]]:
    winner = next((lane for lane in lanes if lane.id == best), None)
    if winner is not None and len(lanes) > 1:
        return [((winner, lane), Vote.A) for lane in lanes if lane != winner]
    if best is None and verdict in BOTH and len(lanes) > 1:
        return [((a, b), verdict) for place, a in enumerate(lanes) for b in lanes[place + 1 :]]
    raise Refused(gettext("Say which answer is the best one, or that all are as good or as bad. Reload the page."))


def _kept(person: int, pair: Pair, said: str, *, told: tuple[Heard, Heard]) -> Battle:
    a, b = pair
    return Battle.objects.create(
        owner_id=person,
        blind=False,
        lane_a=a,
        lane_b=b,
        model_a=a.model,
        model_b=b.model,
        language=told[0].language,
        rounds=told[0].rounds,
        vote=said,
        voted_at=Now(),
        set_aside=set_aside(person, told),
    )
