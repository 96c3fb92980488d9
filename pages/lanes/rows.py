"""The rows of lanes: conversations with one `comparison` id, asked together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext

from pages.chat import asking, shown
from pages.chat.asking import Begun, Question, conversation_of
from pages.errors import NothingHere, Refused
from pages.models import Conversation, Kind, State


@dataclass(frozen=True, slots=True)
class Wish:
    """A question for all lanes of a comparison."""

    comparison: UUID
    text: str
    system: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Side:
    """A lane as a page shows it. `name` is what stands at its head: the model's, or a letter while that is hidden."""

    number: UUID
    name: str
    turns: Sequence[str] = ()


def lanes_of(person: int, comparison: UUID) -> list[Conversation]:
    """In the order in which they were made. Raises NothingHere."""
    lanes = Conversation.objects.filter(owner_id=person, comparison=comparison, kind=Kind.LANE)
    found = list(lanes.select_related("leaf").order_by("created_at", "id"))
    if not found:
        raise NothingHere(gettext("There is no such comparison. Its lanes may have become chats, or were deleted."))
    return found


def side(lane: Conversation, name: str) -> Side:
    """With all that was said in it."""
    return Side(lane.id, name, shown.turns(list(lane.messages.all()), lane.leaf_id))


@transaction.atomic
def open_lanes(person: int, wish: Wish, models: Sequence[str]) -> list[Begun]:
    """A lane for each model, and the first question in it. A name that has to stay hidden is empty here."""
    return [asking.ask(person, _question(wish, model)) for model in models]


@transaction.atomic
def ask_all(person: int, lanes: Sequence[Conversation], wish: Wish) -> list[Begun]:
    """The next question, in each lane after its last answer. Raises Refused while one is being given."""
    _answered(lanes)
    return [asking.ask(person, _question(wish, lane.model, lane)) for lane in lanes]


@transaction.atomic
def ask_all_again(person: int, lanes: Sequence[Conversation]) -> list[Begun]:
    """Other answers to the last question. Raises Refused while one is being given."""
    _answered(lanes)
    return [asking.ask_again(person, lane.leaf_id, kind=Kind.LANE) for lane in lanes if lane.leaf_id]


def keep(person: int, number: UUID) -> Conversation:
    """Go on with this lane as a chat. Raises NothingHere, and Refused while its model is hidden."""
    lane = conversation_of(person, number, Kind.LANE)
    if not lane.model:
        raise Refused(gettext("Vote first: until then the model is hidden."))
    lane.kind, lane.comparison = Kind.CHAT, None
    lane.save(update_fields=["kind", "comparison"])
    return lane


def delete(person: int, comparison: UUID) -> None:
    """With all that was said. Raises NothingHere."""
    lanes = lanes_of(person, comparison)
    Conversation.objects.filter(id__in=[lane.id for lane in lanes]).delete()


def _question(wish: Wish, model: str, lane: Conversation | None = None) -> Question:
    return Question(
        text=wish.text,
        model=model,
        conversation=lane.id if lane else None,
        parent=lane.leaf_id if lane else None,
        system=wish.system,
        parameters=wish.parameters,
        kind=Kind.LANE,
        comparison=wish.comparison,
    )


def _answered(lanes: Sequence[Conversation]) -> None:
    if any(lane.leaf is not None and lane.leaf.state == State.RUNNING for lane in lanes):
        raise Refused(gettext("An answer is still being given. Wait for it, or stop it."))
