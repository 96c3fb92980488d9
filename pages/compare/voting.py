"""Votes of comparisons. They are battles as well, but not blind ones."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Now
from django.utils.translation import gettext

from pages.arena.battles import complaint
from pages.arena.judging import Heard
from pages.arena.voting import heard, set_aside
from pages.errors import Outdated, Refused
from pages.lanes.rows import held, lanes_of
from pages.models import Battle, Conversation, Role, Vote

BOTH = frozenset({Vote.TIE, Vote.BAD})


@transaction.atomic
def vote(person: int, comparison: UUID, *, best: UUID | None, verdict: str = "") -> list[Battle]:
    """Keep what a person said, once a comparison. Raises NothingHere, Refused.

    `best` is the lane that won: one battle for each other lane, which it lost. Without it the verdict is `tie` or
    `bad`, one battle for each two lanes.
    """
    lanes = held(lanes_of(person, comparison))
    before = battles_of(lanes)
    if before.filter(Q(blind=True) | ~Q(vote="")).exists():
        raise Outdated(gettext("You have voted on this comparison."))
    pairs = _pairs(lanes, best, verdict)
    told = {lane.id: heard(lane) for lane in lanes}
    reported = before.values_list("flagged", flat=True).first() or ""
    before.delete()
    kept = [_voted(person, pair, said, told=(told[pair[0].id], told[pair[1].id])) for pair, said in pairs]
    battles_of(lanes).update(flagged=reported)
    return kept


@transaction.atomic
def flag(person: int, comparison: UUID, reason: str) -> None:
    """Tell the operators what is wrong with these answers. Raises NothingHere, Refused.

    Before the vote there is no battle that could tell it: there is one without a vote then, until the vote comes.
    """
    told = complaint(reason)
    lanes = held(lanes_of(person, comparison))
    if not battles_of(lanes).update(flagged=told):
        first, *others = lanes
        asked = first.messages.filter(role=Role.USER).count()
        Battle.objects.bulk_create(
            Battle(**_between(person, (first, lane)), rounds=asked, flagged=told) for lane in others
        )


def battles_of(lanes: Sequence[Conversation]) -> QuerySet[Battle]:
    """What was said of a comparison."""
    return Battle.objects.filter(Q(lane_a__in=lanes) | Q(lane_b__in=lanes))


def why_not(battles: Iterable[Battle]) -> str:
    """Why a vote that made these does not count; empty if it does, be it in one of them: not all models answered."""
    reasons = [battle.set_aside for battle in battles]
    return gettext(reasons[0]) if reasons and all(reasons) else ""


Pair = tuple[Conversation, Conversation]


def _pairs(lanes: Sequence[Conversation], best: UUID | None, verdict: str) -> list[tuple[Pair, str]]:
    winner = next((lane for lane in lanes if lane.id == best), None)
    if winner is not None and len(lanes) > 1:
        return [((winner, lane), Vote.A) for lane in lanes if lane != winner]
    if best is None and verdict in BOTH and len(lanes) > 1:
        return [((a, b), verdict) for place, a in enumerate(lanes) for b in lanes[place + 1 :]]
    raise Refused(gettext("Say which answer is the best one, or that all are as good or as bad. Reload the page."))


def _between(person: int, pair: Pair) -> dict[str, Any]:
    a, b = pair
    return {"owner_id": person, "blind": False, "lane_a": a, "lane_b": b, "model_a": a.model, "model_b": b.model}


def _voted(person: int, pair: Pair, said: str, *, told: tuple[Heard, Heard]) -> Battle:
    return Battle.objects.create(
        **_between(person, pair),
        language=told[0].language,
        rounds=told[0].rounds,
        vote=said,
        voted_at=Now(),
        set_aside=set_aside(person, told),
    )
