"""Reading and changing conversations that are there."""

from __future__ import annotations

import secrets
from typing import Any
from uuid import UUID

from django.utils.translation import gettext

from pages.chat.asking import conversation_of
from pages.chat.tree import Tree, Turn
from pages.errors import NothingHere
from pages.models import Conversation, Kind, Message, State

PAGE = 40
LONGEST_TITLE = 200


def listed(person: int, *, after: int = 0) -> tuple[list[Conversation], int | None]:
    """A page of this person's chats, newest first, and where the next page begins."""
    found = Conversation.objects.filter(owner_id=person, kind=Kind.CHAT).order_by("-changed_at")
    page = list(found.only("id", "title", "changed_at")[after : after + PAGE + 1])
    return page[:PAGE], after + PAGE if len(page) > PAGE else None


def rename(person: int, number: UUID, title: str) -> Conversation:
    """Give it another title. Raises NothingHere."""
    conversation = conversation_of(person, number)
    conversation.title = " ".join(title.replace("\0", "").split())[:LONGEST_TITLE]
    conversation.save(update_fields=["title"])
    return conversation


def delete(person: int, number: UUID) -> None:
    """With all that was said. Raises NothingHere."""
    conversation_of(person, number).delete()


def show(person: int, number: UUID, message: UUID) -> Tree:
    """Take the path through this message, on to its newest end. Raises NothingHere."""
    conversation = conversation_of(person, number)
    tree = Tree(conversation.messages.all())
    if message not in tree.messages:
        raise NothingHere(gettext("The message is gone. Reload the page."))
    conversation.leaf_id = tree.newest_below(message)
    conversation.save(update_fields=["leaf"])
    return tree


def until(person: int, number: UUID, message: UUID) -> list[Turn]:
    """The path that ends with this message. Raises NothingHere."""
    tree = Tree(conversation_of(person, number).messages.all())
    if message not in tree.messages:
        raise NothingHere(gettext("The message is gone. Reload the page."))
    return tree.path(message)


def share(person: int, number: UUID) -> Conversation:
    """Let whoever knows the link read it as it is now. Sharing again shows what came since under the same link."""
    conversation = conversation_of(person, number)
    conversation.share_token = conversation.share_token or secrets.token_urlsafe(32)
    conversation.shared_leaf = leaf = conversation.leaf
    # An answer that was cut may go on later.
    conversation.shared_characters = None if leaf is None or leaf.state == State.RUNNING else len(leaf.text)
    conversation.save(update_fields=["share_token", "shared_leaf", "shared_characters"])
    return conversation


def unshare(person: int, number: UUID) -> None:
    """The link stops working at once."""
    conversation = conversation_of(person, number)
    conversation.share_token = conversation.shared_leaf = None
    conversation.save(update_fields=["share_token", "shared_leaf"])


def shared(token: str) -> Conversation:
    """Raises NothingHere."""
    found = Conversation.objects.filter(share_token=token).first()
    if found is None:
        raise NothingHere(gettext("There is nothing under this link. Whoever shared it may have taken it back."))
    return found


def shared_path(conversation: Conversation) -> list[Message]:
    """What its link shows: the path as it was when it was shared."""
    messages = path_of(conversation, conversation.shared_leaf_id)
    if messages and messages[-1].id == conversation.shared_leaf_id:
        messages[-1].text = messages[-1].text[: conversation.shared_characters]
    return messages


def path_of(conversation: Conversation, leaf: UUID | None) -> list[Message]:
    """The messages of one path."""
    return [turn.message for turn in Tree(conversation.messages.all()).path(leaf)]


def as_json(conversation: Conversation) -> dict[str, Any]:
    """Everything of it, all versions too."""
    return {
        "id": str(conversation.id),
        "title": conversation.title,
        "system": conversation.system,
        "created_at": conversation.created_at.isoformat(),
        "leaf": str(conversation.leaf_id or ""),
        "messages": [_as_json(message) for message in conversation.messages.all()],
    }


def as_markdown(conversation: Conversation) -> str:
    """The path that is shown."""
    parts = [f"# {conversation}"]
    if conversation.system:
        parts.append(f"**System**\n\n{conversation.system}")
    for message in path_of(conversation, conversation.leaf_id):
        who = message.model if message.role == "assistant" else "You"
        parts.append("\n\n".join([f"**{who}**", *_shown(message)]))
    return "\n\n---\n\n".join(parts) + "\n"


def _shown(message: Message) -> list[str]:
    files = [f"*{item['name']}*" for item in message.attachments]
    error = f"> {gettext(message.error)}" if message.error else ""
    return [part for part in (*files, message.text, error) if part]


def _as_json(message: Message) -> dict[str, Any]:
    fields = "role", "text", "attachments", "state", "error", "model", "parameters", "finish_reason"
    figures = "prompt_tokens", "completion_tokens", "ttft_ms", "tokens_per_second"
    told = {name: getattr(message, name) for name in (*fields, *figures) if getattr(message, name) not in ("", None)}
    parent = str(message.parent_id) if message.parent_id else None
    return {"id": str(message.id), "parent": parent, "created_at": message.created_at.isoformat(), **told}
