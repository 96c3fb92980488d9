"""Blind battles. Who fights stands in the battle's row alone until the vote; the rows of its lanes have no names.

So whatever shows or exports lanes and messages has nothing to tell.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import SystemRandom
from typing import Any
from uuid import UUID, uuid4

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext, gettext_noop

from pages.arena.draw import drawn
from pages.chat.asking import Begun
from pages.errors import NothingHere, Refused
from pages.lanes.rows import Wish, ask_all, ask_all_again, open_lanes
from pages.models import Battle, Contestant, Conversation, Kind, Pairing

LETTERS = "A", "B"
LONGEST_FLAG = 500
VOTED = gettext_noop("You have voted on this battle. Start a new round.")


@dataclass(frozen=True)  # no slots: `super()` would not find the class
class Blind(Begun):
    """A question whose answer's row does not say who gives it."""

    fighter: str = ""

    @property
    def body(self) -> dict[str, Any]:
        """The request as the API takes it, to the fighter."""
        return super().body | {"model": self.fighter}


def battle_of(person: int, number: UUID) -> Battle:
    """A blind battle of this person, of which something is left. Raises NothingHere."""
    battles = Battle.objects.select_related("lane_a__leaf", "lane_b__leaf")
    found = battles.filter(there(), id=number, owner_id=person, blind=True).first()
    if found is None:
        raise NothingHere(gettext("There is no such battle."))
    return found


def there() -> Q:
    """Battles whose words were not deleted."""
    return Q(lane_a__isnull=False) | Q(lane_b__isnull=False)


def begin(person: int, text: str, ready: Sequence[str]) -> list[Begun]:
    """Draw two of the models that are ready and ask them. Raises Refused when no two may meet."""
    weights = dict(Contestant.objects.values_list("model", "weight"))
    pairs = {(first, second): weight for first, second, weight in Pairing.objects.values_list(*_PAIRING)}
    pair = drawn(ready, SystemRandom(), weights=weights, pairs=pairs)
    if pair is None:
        raise Refused(gettext("A battle takes two models that are ready to chat. Try again when they are."))
    return _fight(person, text, pair)


@transaction.atomic
def go_on(person: int, number: UUID, text: str) -> list[Begun]:
    """The next question. Raises NothingHere, and Refused after the vote."""
    battle, lanes = _open(person, number)
    begun = ask_all(person, lanes, Wish(number, text))
    _unvoted(number, rounds=battle.rounds + 1)
    return _blind(begun, battle)


@transaction.atomic
def again(person: int, number: UUID) -> list[Begun]:
    """Other answers to the last question. Raises NothingHere, and Refused after the vote."""
    battle, lanes = _open(person, number)
    begun = ask_all_again(person, lanes)
    _unvoted(number, rounds=battle.rounds)
    return _blind(begun, battle)


def flag(person: int, number: UUID, reason: str) -> None:
    """Tell the operators what is wrong with these answers. Raises NothingHere, Refused."""
    if not Battle.objects.filter(id=number, owner_id=person).update(flagged=complaint(reason)):
        raise NothingHere(gettext("There is no such battle."))


def complaint(reason: str) -> str:
    """In one line, as it is kept. Raises Refused when there is none."""
    told = " ".join(reason.split())[:LONGEST_FLAG]
    if not told:
        raise Refused(gettext("Write what is wrong with the answers."))
    return told


@transaction.atomic
def delete(person: int, number: UUID) -> None:
    """All that was said. A vote stays, and so does a report; what has neither goes altogether. Raises NothingHere."""
    battle_of(person, number)
    Conversation.objects.filter(owner_id=person, comparison=number, kind=Kind.LANE).delete()
    battle = Battle.objects.filter(id=number)
    battle.filter(vote="", flagged="").delete()
    battle.update(lane_a=None, lane_b=None)


_PAIRING = "first", "second", "weight"


@transaction.atomic
def _fight(person: int, text: str, pair: tuple[str, str]) -> list[Begun]:
    number = uuid4()
    begun = open_lanes(person, Wish(number, text), ["", ""])
    first, second = (lane.conversation for lane in begun)
    battle = Battle.objects.create(
        id=number, owner_id=person, lane_a=first, lane_b=second, model_a=pair[0], model_b=pair[1], rounds=1
    )
    return _blind(begun, battle)


def _open(person: int, number: UUID) -> tuple[Battle, list[Conversation]]:
    battle = battle_of(person, number)
    if battle.vote:
        raise Refused(gettext(VOTED))
    if battle.lane_a is None or battle.lane_b is None:
        raise Refused(gettext("A side of this battle was deleted. Start a new round."))
    return battle, [battle.lane_a, battle.lane_b]


def _unvoted(number: UUID, *, rounds: int) -> None:
    """Once the lanes are held: a vote may have come since the battle was read."""
    if not Battle.objects.filter(id=number, vote="").update(rounds=rounds):
        raise Refused(gettext(VOTED))


def _blind(begun: Sequence[Begun], battle: Battle) -> list[Begun]:
    fighters = battle.model_a, battle.model_b
    return [
        Blind(lane.conversation, lane.answer, lane.turns, fighter=name)
        for lane, name in zip(begun, fighters, strict=True)
    ]
