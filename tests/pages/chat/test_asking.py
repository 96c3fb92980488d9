"""What a model is asked, made of the rows."""

from __future__ import annotations

from uuid import uuid4

import pytest

from pages.answers.pace import Figures
from pages.chat.asking import Begun
from pages.chat.tree import Tree
from pages.models import Conversation, Message

FORM = {"type": "json_object"}


def begun(earlier: Figures | None) -> Begun:
    question = Message(id=uuid4(), role="user", text="one two")
    answer = Message(id=uuid4(), parent_id=question.id, role="assistant", text="one ", model="echo")
    answer.parameters = {"max_tokens": 2, "response_format": FORM}
    return Begun(Conversation(system="Be brief."), answer, Tree([question, answer]).path(answer.id), earlier)


def test_an_answer_is_asked_for_without_what_it_says() -> None:
    body = begun(None).body
    assert [message["role"] for message in body["messages"]] == ["system", "user"]
    assert (body["response_format"], "continue_final_message" in body) == (FORM, False)


def test_one_that_goes_on_is_the_last_message_and_is_held_to_no_form_that_begins_anew() -> None:
    body = begun(Figures()).body
    assert body["messages"][-1] == {"role": "assistant", "content": "one "}
    assert (body["add_generation_prompt"], body["continue_final_message"]) == (False, True)
    assert (body["max_tokens"], "response_format" in body) == (2, False)


@pytest.mark.parametrize(
    ("state", "reason", "text", "can"),
    [
        ("stopped", "", "a", True),
        ("failed", "", "a", True),
        ("done", "length", "a", True),
        ("done", "stop", "a", False),
        ("running", "", "a", False),
        ("failed", "", "", False),
    ],
)
def test_what_was_cut_can_go_on(state: str, reason: str, *, text: str, can: bool) -> None:
    assert Message(role="assistant", state=state, finish_reason=reason, text=text).can_go_on is can
