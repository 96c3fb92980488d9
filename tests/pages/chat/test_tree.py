"""A conversation is a tree, of which one path is shown and told to the model."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest

from pages.chat.tree import Tree, spoken
from pages.models.message import Message


def said(text: str, after: Message | None = None, **more: object) -> Message:
    role = "assistant" if after is not None and after.role == "user" else "user"
    return Message(id=uuid4(), parent_id=after.id if after else None, role=role, text=text, **more)


@pytest.fixture
def messages() -> dict[str, Message]:
    """One question with two answers, the second of which was asked about, and an edited question."""
    one = said("one")
    first, second = said("first", one), said("second", one)
    two = said("two", second)
    edited = said("edited")
    return {"one": one, "first": first, "second": second, "two": two, "edited": edited}


def texts(tree: Tree, leaf: UUID | None) -> list[str]:
    return [turn.message.text for turn in tree.path(leaf)]


def test_a_path_leads_to_its_leaf(messages: dict[str, Message]) -> None:
    tree = Tree(messages.values())
    assert texts(tree, messages["two"].id) == ["one", "second", "two"]
    assert texts(tree, messages["first"].id) == ["one", "first"]


@pytest.mark.parametrize("leaf", [None, uuid4()])
def test_without_a_leaf_it_is_the_newest_path(messages: dict[str, Message], leaf: UUID | None) -> None:
    assert texts(Tree(messages.values()), leaf) == ["edited"]


def test_versions_know_their_neighbours(messages: dict[str, Message]) -> None:
    one, answer, _ = Tree(messages.values()).path(messages["two"].id)
    assert (answer.number, len(answer.versions)) == (2, 2)
    assert (answer.before, answer.after) == (messages["first"].id, None)
    assert (one.number, one.before, one.after) == (1, None, messages["edited"].id)


def test_below_a_message_the_newest_versions_are_taken(messages: dict[str, Message]) -> None:
    tree = Tree(messages.values())
    assert tree.newest_below(messages["one"].id) == messages["two"].id
    assert tree.newest_below(messages["first"].id) == messages["first"].id


def test_an_empty_conversation_has_an_empty_path() -> None:
    assert Tree([]).path(None) == []


def test_the_model_is_told_the_path(messages: dict[str, Message]) -> None:
    told = spoken(Tree(messages.values()).path(messages["two"].id), system="Be short.")
    assert [(turn["role"], turn["content"]) for turn in told] == [
        ("system", "Be short."),
        ("user", "one"),
        ("assistant", "second"),
        ("user", "two"),
    ]


def test_an_answer_that_failed_at_once_is_left_out_and_its_neighbours_are_one() -> None:
    one = said("one")
    failed = said("", one)
    two = said("two", failed)
    assert spoken(Tree([one, failed, two]).path(two.id), system="") == [{"role": "user", "content": "one\n\ntwo"}]


def test_files_are_told_as_text_and_images_as_parts() -> None:
    file = {"kind": "file", "name": "a.txt", "text": "hello"}
    image = {"kind": "image", "name": "b.png", "url": "data:image/png;base64,AAAA"}
    asked = said("look", attachments=[file, image])
    [told] = spoken(Tree([asked]).path(asked.id), system="")
    assert told["content"] == [
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
        {"type": "text", "text": "a.txt:\n```\nhello\n```\n\nlook"},
    ]
