"""Messages as a page shows them: the same templates draw a whole page and what arrives later."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any
from uuid import UUID

from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext

from pages import database
from pages.answers.answer import GrowingAnswer
from pages.answers.keeping import broken_off
from pages.chat.asking import Begun
from pages.chat.tree import Tree, Turn
from pages.errors import NothingHere
from pages.models import Kind, Message, State
from pages.prose.markdown import render

LOOK_EVERY_S = 1.0
AT_ONCE = 60  # turns; their Markdown is most of what a page costs


def begun(begun: Begun) -> dict[str, Any]:
    """What a page needs to show a question and the place of its answer. `after`: the message that they follow."""
    conversation = begun.conversation
    question, answer = begun.turns[-2:]
    return {
        "conversation": str(conversation.id),
        "title": str(conversation),
        "url": reverse("conversation", args=[conversation.id]),
        "message": str(answer.message.id),
        "after": str(question.message.parent_id or ""),
        "question": turn(question),
        "answer": turn(answer),
    }


def turn(turn: Turn) -> str:
    """One message as HTML."""
    message = turn.message
    html = render(message.text) if message.role == "assistant" else ""
    lane = message.conversation.kind == Kind.LANE
    return render_to_string(
        "pages/lane_turn.html" if lane else "pages/turn.html", {"turn": turn, "message": message, "html": html}
    )


def read_only(message: Message) -> dict[str, Any]:
    """A message for somebody who may not change it."""
    html = render(message.text) if message.role == "assistant" else ""
    return {"message": message, "html": html}


def turns(messages: list[Message], leaf: UUID | None) -> list[str]:
    """A path as HTML."""
    return [turn(each) for each in Tree(messages).path(leaf)]


def end_of(path: Sequence[Turn], *, chosen: UUID | None = None) -> list[str]:
    """The last turns of a path as HTML, those from `chosen` on in any case, and a way to the ones before."""
    begun = max(0, len(path) - AT_ONCE)
    if begun:
        numbers = [turn.message.id for turn in path]
        begun = min(begun, numbers.index(chosen)) if chosen in numbers else begun
    before = [render_to_string("pages/earlier.html", {"message": path[begun - 1].message})] if begun else []
    return before + [turn(each) for each in path[begun:]]


def done(number: UUID, answer: GrowingAnswer | None) -> dict[str, Any]:
    """The end of an answer. What was told to the page counts where the row is behind it. Raises NothingHere."""
    message = _row(number)
    if answer is not None:
        for name, value in answer.fields.items():
            setattr(message, name, value)
    # Not all of the conversation, which may be long and full of images.
    versions = message.conversation.messages.filter(parent=message.parent_id).values_list("id", flat=True)
    return {"message": str(number), "state": message.state, "turn": turn(Turn(message, tuple(versions)))}


async def from_its_row(number: UUID) -> AsyncIterator[dict[str, Any]]:
    """What is known of an answer that another process gives, or gave. Raises NothingHere."""
    text = None
    while True:
        await database.run(number, broken_off)
        message = await database.run(number, _row, number)
        if message.text != text:
            text = message.text
            html = render(text)
            yield {"type": "blocks", "message": str(number), "first": 0, "finished": [html], "open": "", "tail": ""}
        if message.state != State.RUNNING:
            return
        await asyncio.sleep(LOOK_EVERY_S)


def _row(number: UUID) -> Message:
    found = Message.objects.select_related("conversation").filter(id=number).first()
    if found is None:
        raise NothingHere(gettext("The conversation was deleted."))
    return found
