"""A person's blind battles, to find them again."""

from __future__ import annotations

from datetime import datetime

from django.utils.translation import gettext

from pages.arena.battles import there
from pages.lanes.past import PAGE, Entry, Part, part
from pages.models import Battle, Vote


def past(person: int, before: datetime | None) -> Part:
    """A part of the list, from there on. Models have names only after the vote."""
    battles = Battle.objects.filter(there(), owner_id=person, blind=True).select_related("lane_a", "lane_b")
    if before is not None:
        battles = battles.filter(started_at__lt=before)
    return part([_entry(battle) for battle in battles.order_by("-started_at")[: PAGE + 1]])


def _entry(battle: Battle) -> Entry:
    lane = battle.lane_a or battle.lane_b
    assert lane is not None  # the query asks for one
    if not battle.vote:
        return Entry(battle.id, lane.title, battle.started_at)
    names = battle.model_a, battle.model_b
    why = gettext(battle.set_aside) if battle.set_aside else ""
    return Entry(battle.id, lane.title, battle.started_at, names, _said(battle), why)


def _said(battle: Battle) -> str:
    if battle.vote == Vote.TIE:
        return gettext("Tie")
    if battle.vote == Vote.BAD:
        return gettext("Both are bad")
    return gettext("{name} is better").format(name=battle.model_a if battle.vote == Vote.A else battle.model_b)
