"""A chat's memory, and the files that keep it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from openai_api.errors import BadTranscript, WrongAddress
from openai_api.terminal.conversation import Conversation
from openai_api.terminal.server import Server


def spoken() -> Conversation:
    conversation = Conversation("smol", "Be brief.")
    conversation.say("user", "Grüße 🙂")
    conversation.say("assistant", "Hallo.")
    return conversation


def test_what_was_saved_comes_back_word_for_word(tmp_path: Path) -> None:
    spoken().save(tmp_path / "chat.json")
    again = Conversation("other")
    again.load(tmp_path / "chat.json")
    assert again.messages == spoken().messages
    assert again.model == "other"


def test_a_file_has_the_messages_as_the_api_takes_them(tmp_path: Path) -> None:
    spoken().save(tmp_path / "chat.json")
    kept = json.loads((tmp_path / "chat.json").read_text(encoding="utf-8"))
    assert kept["messages"][0] == {"role": "system", "content": "Be brief."}
    assert [message["role"] for message in kept["messages"]] == ["system", "user", "assistant"]


def test_markdown_is_for_reading(tmp_path: Path) -> None:
    spoken().save(tmp_path / "chat.md")
    text = (tmp_path / "chat.md").read_text(encoding="utf-8")
    assert text.startswith("# A chat with smol\n\n## System\n\nBe brief.\n\n## User\n\nGrüße 🙂\n")
    with pytest.raises(BadTranscript, match=r"/load takes what was saved as \.json"):
        Conversation("smol").load(tmp_path / "chat.md")


def test_the_last_question_is_taken_back_with_its_answer() -> None:
    conversation = spoken()
    assert conversation.take_back() == "Grüße 🙂"
    assert conversation.turns == []
    assert conversation.take_back() == ""


@pytest.mark.parametrize(
    "content",
    ["", "{", "[1]", '{"messages": 3}', '{"messages": [{"role": "x", "content": "y"}]}', '[{"role": "user"}]'],
)
def test_what_is_no_conversation_is_said_to_be_none_and_changes_nothing(tmp_path: Path, content: str) -> None:
    path = tmp_path / "other.json"
    path.write_text(content)
    conversation = spoken()
    with pytest.raises(BadTranscript, match="is no saved conversation"):
        conversation.load(path)
    assert conversation.messages == spoken().messages


def test_a_place_that_cannot_be_written_or_read_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(BadTranscript, match=r"cannot be written \(no such file or directory\)"):
        spoken().save(tmp_path / "nowhere" / "chat.json")
    with pytest.raises(BadTranscript, match=r"cannot be read \(no such file or directory\)"):
        spoken().load(tmp_path / "chat.json")


@pytest.mark.parametrize(
    ("written", "url"),
    [
        ("https://models.example.org/v1/", "https://models.example.org/v1"),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000/v1"),
        ("127.0.0.1:8000", "http://127.0.0.1:8000/v1"),
        ("http://gate/deep/v1", "http://gate/deep/v1"),
    ],
)
def test_a_servers_url_is_taken_as_people_write_it(written: str, url: str) -> None:
    assert Server.at(written, "secret").base_url == url


@pytest.mark.parametrize("written", ["ftp://x/v1", "http://", "http://x:port/v1", "file:///etc/passwd", "://"])
def test_what_is_no_url_is_refused_with_an_example(written: str) -> None:
    with pytest.raises(WrongAddress, match=r"write it like http://127\.0\.0\.1:8000/v1"):
        Server.at(written, "secret")


def test_a_key_is_not_shown_where_a_server_is() -> None:
    assert "my-secret" not in repr(Server.at("127.0.0.1", "my-secret"))
