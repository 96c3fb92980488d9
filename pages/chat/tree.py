"""A conversation's messages as a tree, of which one path is shown. Pure: no database."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from pages.models.message import Message


@dataclass(frozen=True, slots=True)
class Turn:
    """A message of the path, and its versions, itself among them, in the order in which they were made."""

    message: Message
    versions: tuple[UUID, ...]

    @property
    def number(self) -> int:
        """Which version it is, from 1."""
        return self.versions.index(self.message.id) + 1

    @property
    def before(self) -> UUID | None:
        """The version before this one."""
        return self.versions[self.number - 2] if self.number > 1 else None

    @property
    def after(self) -> UUID | None:
        """The version after this one."""
        return self.versions[self.number] if self.number < len(self.versions) else None


class Tree:
    """All messages of one conversation, oldest first."""

    def __init__(self, messages: Iterable[Message]) -> None:
        self.messages = {message.id: message for message in messages}
        self._children: dict[UUID | None, list[UUID]] = {}
        for message in self.messages.values():
            self._children.setdefault(message.parent_id, []).append(message.id)

    def path(self, leaf: UUID | None) -> list[Turn]:
        """From the first message to this one; without a leaf, or with an unknown one, to the newest."""
        found: list[Turn] = []
        at = leaf if leaf in self.messages else self.newest_below(None)
        while at is not None:
            message = self.messages[at]
            found.append(Turn(message, tuple(self._children[message.parent_id])))
            at = message.parent_id
        return found[::-1]

    def newest_below(self, start: UUID | None) -> UUID | None:
        """The end of the path that always takes the newest version; `start` itself when nothing follows it."""
        at = start
        while children := self._children.get(at):
            at = children[-1]
        return at


def spoken(turns: Sequence[Turn], *, system: str) -> list[dict[str, object]]:
    """The path as the API's `messages`. Answers that failed before they began say nothing."""
    told: list[dict[str, object]] = [{"role": "system", "content": system}] if system else []
    for turn in turns:
        message = turn.message
        if message.text or message.attachments:
            _tell(told, message.role, content(message))
    return told


def content(message: Message) -> object:
    """The text with files before it; with images, the parts of it."""
    files = [f"{item['name']}:\n```\n{item['text']}\n```" for item in message.attachments if item["kind"] == "file"]
    text = "\n\n".join([*files, message.text] if message.text else files)
    images = [
        {"type": "image_url", "image_url": {"url": item["url"]}}
        for item in message.attachments
        if item["kind"] == "image"
    ]
    return [*images, {"type": "text", "text": text}] if images else text


def _tell(told: list[dict[str, object]], role: str, said: object) -> None:
    """Two turns of the same role after each other (one between them failed) become one: templates want it so."""
    last = told[-1] if told else None
    if last is None or last["role"] != role or not isinstance(last["content"], str) or not isinstance(said, str):
        told.append({"role": role, "content": said})
    else:
        last["content"] = f"{last['content']}\n\n{said}"
