"""Questions become rows before anything is asked, so that nothing a person wrote is lost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Now
from django.utils.translation import gettext

from pages.answers.pace import Figures
from pages.chat.tree import Tree, Turn, spoken
from pages.errors import NothingHere, Refused
from pages.models import Conversation, Kind, Message, Role, State

TITLE = 80  # characters of the first question
# The last answer is not followed by another, but continued.
OPEN_END = {"add_generation_prompt": False, "continue_final_message": True}
# What is about an answer from its beginning: held to it, the rest of one would begin anew.
WHOLE = frozenset({"response_format"})
HALF_A_CHARACTER = "\ufffd"


@dataclass(frozen=True, slots=True)
class Question:
    """What a person asks: in a conversation, or in a new one; after `parent`, or at the beginning.

    `edited`: the question that it is another version of, whose attachments it has, but those at `without`.
    """

    text: str
    model: str
    conversation: UUID | None = None
    parent: UUID | None = None
    attachments: Sequence[Mapping[str, str]] = ()
    edited: UUID | None = None
    without: Sequence[int] = ()
    system: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    kind: Kind = Kind.CHAT
    comparison: UUID | None = None


@dataclass(frozen=True, slots=True)
class Begun:
    """The rows of a question and of its answer, and what the model has to be told.

    `earlier`: the answer has a text, which goes on, and these are the figures of it.
    """

    conversation: Conversation
    answer: Message
    turns: Sequence[Turn]
    earlier: Figures | None = None

    @property
    def body(self) -> dict[str, Any]:
        """The request as the API takes it."""
        goes_on = self.earlier is not None
        told = spoken(self.turns if goes_on else self.turns[:-1], system=self.conversation.system)
        usage = {"stream": True, "stream_options": {"include_usage": True}}
        parameters = {name: value for name, value in self.answer.parameters.items() if not (goes_on and name in WHOLE)}
        return {**parameters, "model": self.answer.model, "messages": told, **usage, **(OPEN_END if goes_on else {})}


def conversation_of(person: int, number: UUID, kind: Kind = Kind.CHAT) -> Conversation:
    """Raises NothingHere, also for somebody else's, and for a lane where a chat is meant."""
    found = Conversation.objects.filter(id=number, owner_id=person, kind=kind).first()
    if found is None:
        raise NothingHere(gettext("There is no such conversation. It may have been deleted."))
    return found


def leaf_of(person: int, number: UUID) -> UUID | None:
    """The last message of the path that a conversation, of whatever kind, was left with. Raises NothingHere."""
    found = Conversation.objects.filter(id=number, owner_id=person).only("leaf_id").first()
    if found is None:
        raise NothingHere(gettext("There is no such conversation. It may have been deleted."))
    return found.leaf_id


@transaction.atomic
def ask(person: int, question: Question) -> Begun:
    """Write the question down, and an answer that waits to be given."""
    conversation = _conversation(person, question)
    parent = _message(conversation, question.parent) if question.parent else None
    if parent is not None and parent.role != Role.ASSISTANT:
        raise Refused(gettext("A question follows an answer. Reload the page."))
    asked = Message.objects.create(
        conversation=conversation,
        parent=parent,
        role=Role.USER,
        text=question.text,
        attachments=_attachments(conversation, question),
    )
    return _answered(conversation, asked, model=question.model, parameters=question.parameters)


@transaction.atomic
def ask_again(
    person: int,
    number: UUID,
    *,
    model: str = "",
    parameters: Mapping[str, Any] | None = None,
    kind: Kind = Kind.CHAT,
) -> Begun:
    """Another version of an answer; the one before is kept."""
    found = _answers_of(person).select_related("conversation", "parent")
    before = _existing(found.filter(id=number, parent__isnull=False, conversation__kind=kind).first())
    assert before.parent is not None  # `parent__isnull`
    chosen = before.parameters if parameters is None else parameters
    return _answered(before.conversation, before.parent, model=model or before.model, parameters=chosen)


@transaction.atomic
def go_on(person: int, number: UUID, *, parameters: Mapping[str, Any] | None = None) -> Begun:
    """Let an answer grow that was cut. Raises NothingHere, and Refused for one that is whole or grows already."""
    # Of two who want it at once the second waits here, and finds that it is being given.
    held = _answers_of(person).select_for_update(no_key=True, of=("self",)).select_related("conversation")
    answer = _existing(held.filter(id=number, conversation__kind=Kind.CHAT).first())
    if not answer.can_go_on or answer.children.exists():
        raise Refused(
            gettext(
                "This answer cannot be continued: it is whole, is being given already, or was followed by a question."
            )
        )
    earlier = Figures(answer.prompt_tokens, answer.completion_tokens, answer.ttft_ms, answer.tokens_per_second)
    # A character that was cut in its middle comes again as a whole.
    answer.text = answer.text.rstrip(HALF_A_CHARACTER)
    answer.state, answer.error, answer.finish_reason, answer.kept_at = State.RUNNING, "", "", Now()
    if parameters is not None:
        answer.parameters = dict(parameters)
    answer.save(update_fields=["text", "state", "error", "finish_reason", "kept_at", "parameters"])
    return replace(_at_the_end(answer.conversation, answer), earlier=earlier)


def answer_of(person: int, number: UUID) -> Message:
    """An answer in one of this person's conversations. Raises NothingHere."""
    return _existing(_answers_of(person).filter(id=number).first())


def _answers_of(person: int) -> QuerySet[Message]:
    return Message.objects.filter(role=Role.ASSISTANT, conversation__owner_id=person)


def _existing(found: Message | None) -> Message:
    if found is None:
        raise NothingHere(gettext("There is no such answer. The conversation may have been deleted."))
    return found


def _conversation(person: int, question: Question) -> Conversation:
    if question.conversation is None:
        title = " ".join((question.text or ", ".join(item["name"] for item in question.attachments)).split())[:TITLE]
        return Conversation.objects.create(
            owner_id=person,
            kind=question.kind,
            comparison=question.comparison,
            title=title,
            system=question.system,
            parameters=dict(question.parameters),
            model=question.model,
        )
    conversation = conversation_of(person, question.conversation, question.kind)
    conversation.system = question.system
    conversation.parameters, conversation.model = dict(question.parameters), question.model
    return conversation


def _answered(conversation: Conversation, asked: Message, *, model: str, parameters: Mapping[str, Any]) -> Begun:
    answer = Message.objects.create(
        conversation=conversation,
        parent=asked,
        role=Role.ASSISTANT,
        state=State.RUNNING,
        model=model,
        parameters=dict(parameters),
    )
    return _at_the_end(conversation, answer)


def _at_the_end(conversation: Conversation, answer: Message) -> Begun:
    """With this answer as the end of the path that is shown."""
    conversation.leaf = answer
    told = {name: getattr(conversation, name) for name in ("leaf", "system", "parameters", "model")}
    Conversation.objects.filter(id=conversation.id).update(**told, changed_at=Now())
    return Begun(conversation, answer, Tree(conversation.messages.all()).path(answer.id))


def _attachments(conversation: Conversation, question: Question) -> list[Mapping[str, str]]:
    before = _message(conversation, question.edited).attachments if question.edited else []
    kept = [attachment for place, attachment in enumerate(before) if place not in question.without]
    return [*kept, *question.attachments]


def _message(conversation: Conversation, number: UUID) -> Message:
    found = conversation.messages.filter(id=number).first()
    if found is None:
        raise NothingHere(gettext("The message that this one follows is gone. Reload the page."))
    return found
