"""A person's comparisons, to find them again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext

from pages.compare.voting import why_not
from pages.lanes.past import PAGE, Entry, Part, part
from pages.models import Battle, Conversation, Kind, Vote


def past(person: int, before: datetime | None) -> Part:
    """A part of the list, from there on."""
    firsts = _firsts(person, before)
    votes = _votes(first.comparison for first in firsts if first.comparison)
    lanes: dict[UUID | None, list[str]] = {}
    asked = Conversation.objects.filter(comparison__in=[first.comparison for first in firsts], kind=Kind.LANE)
    for number, model in asked.order_by("created_at", "id").values_list("comparison", "model"):
        lanes.setdefault(number, []).append(model)
    return part([_entry(first, lanes[first.comparison], votes) for first in firsts])


def _firsts(person: int, before: datetime | None) -> Sequence[Conversation]:
    """The first lane of each comparison. Postgres walks along an index until it has so many."""
    lanes = Conversation.objects.filter(owner_id=person, kind=Kind.LANE, comparison__isnull=False)
    if before is not None:
        lanes = lanes.filter(created_at__lt=before)
    same = Conversation.objects.filter(comparison=OuterRef("comparison"), kind=Kind.LANE)
    earlier = same.filter(
        Q(created_at__lt=OuterRef("created_at")) | Q(created_at=OuterRef("created_at"), id__lt=OuterRef("id"))
    )
    blind = Battle.objects.filter(id=OuterRef("comparison"))
    first = lanes.filter(~Exists(earlier), ~Exists(blind)).order_by("-created_at")
    return list(first.only("comparison", "title", "created_at")[: PAGE + 1])


def _votes(numbers: Iterable[UUID]) -> dict[UUID | None, tuple[str, str]]:
    """What was said of these, in a sentence, and why it does not count."""
    found: dict[UUID | None, list[Battle]] = {}
    battles = Battle.objects.filter(lane_a__comparison__in=list(numbers), blind=False).exclude(vote="")
    for battle in battles.select_related("lane_a"):
        if battle.lane_a:
            found.setdefault(battle.lane_a.comparison, []).append(battle)
    return {number: (_said(same[0]), why_not(same)) for number, same in found.items()}


def _said(battle: Battle) -> str:
    if battle.vote == Vote.TIE:
        return gettext("All as good")
    return gettext("All bad") if battle.vote == Vote.BAD else gettext("{name} is best").format(name=battle.model_a)


def _entry(first: Conversation, models: Sequence[str], votes: dict[UUID | None, tuple[str, str]]) -> Entry:
    assert first.comparison is not None  # the query asks for it
    vote, why = votes.get(first.comparison, ("", ""))
    return Entry(first.comparison, first.title, first.created_at, models, vote, why)
