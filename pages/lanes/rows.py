"""The rows of lanes: conversations with one `comparison` id, asked together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

from django.db import transaction
from django.utils.translation import gettext

from pages.chat import asking, shown
from pages.chat.asking import Begun, Question, conversation_of
from pages.errors import NothingHere, Refused
from pages.models import Conversation, Kind, Message, State


@dataclass(frozen=True, slots=True)
class Wish:
    """A question for all lanes of a comparison."""

    comparison: UUID
    text: str
    attachments: Sequence[Mapping[str, str]] = ()
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
        raise NothingHere(gettext("There is no such comparison. It may have been deleted."))
    return found


def held(lanes: Sequence[Conversation]) -> list[Conversation]:
    """The lanes as they are now, until the transaction ends: who asks and who votes at once wait for each other here,
    and find what was done. Raises NothingHere when one is gone."""
    numbers = [lane.id for lane in lanes]
    locked = Conversation.objects.select_for_update(no_key=True).filter(id__in=numbers)
    list(locked.order_by("id").values_list("id"))
    # A second look: what the first one waited for came after it began.
    now = Conversation.objects.select_related("leaf").in_bulk(numbers)
    if len(now) < len(numbers):
        raise NothingHere(gettext("There is no such comparison. It may have been deleted."))
    return [now[number] for number in numbers]


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
    lanes = _answered(lanes)
    return [asking.ask(person, _question(wish, lane.model, lane)) for lane in lanes]


@transaction.atomic
def ask_all_again(
    person: int, lanes: Sequence[Conversation], parameters: Mapping[str, Any] | None = None
) -> list[Begun]:
    """Other answers to the last question, with other parameters if any. Raises Refused while one is being given."""
    lanes = _answered(lanes)
    asked = [lane.leaf_id for lane in lanes if lane.leaf_id]
    return [asking.ask_again(person, answer, parameters=parameters, kind=Kind.LANE) for answer in asked]


@transaction.atomic
def keep(person: int, number: UUID) -> Conversation:
    """A chat to go on with, that has all of this lane, which stays. Raises NothingHere, and Refused while its model is
    hidden or answers."""
    lane = conversation_of(person, number, Kind.LANE)
    if not lane.model:
        raise Refused(gettext("Vote first: until then the model is hidden."))
    _answered([lane])
    same = {name: getattr(lane, name) for name in ("owner_id", "title", "model", "system", "parameters")}
    chat = Conversation.objects.create(kind=Kind.CHAT, **same)
    numbers = {message.id: uuid4() for message in lane.messages.all()}
    Message.objects.bulk_create(_copied(message, chat, numbers) for message in lane.messages.all())
    chat.leaf_id = numbers.get(lane.leaf_id) if lane.leaf_id else None
    chat.save(update_fields=["leaf"])
    return chat


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
        attachments=wish.attachments,
        system=wish.system,
        parameters=wish.parameters,
        kind=Kind.LANE,
        comparison=wish.comparison,
    )


def _copied(message: Message, chat: Conversation, numbers: Mapping[UUID, UUID]) -> Message:
    parent = numbers[message.parent_id] if message.parent_id else None
    message.id, message.conversation, message.parent_id = numbers[message.id], chat, parent
    return message


def _answered(lanes: Sequence[Conversation]) -> list[Conversation]:
    now = held(lanes)
    if any(lane.leaf is not None and lane.leaf.state == State.RUNNING for lane in now):
        raise Refused(gettext("An answer is still being given. Wait for it, or stop it."))
    return now
