"""What pages with lanes say, checked: whatever comes is understood or named."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import TypeAdapter

from inference.protocol.body import parse_body
from inference.protocol.errors import BadRequest
from pages.chat.words import understood
from pages.lanes.words import COMPARED, FOUGHT, Compare, Fight

COMPARISON = {"type": "compare", "text": "t"}
BATTLE = {"type": "battle", "text": "t"}
NUMBER = "00000000-0000-0000-0000-000000000000"
FILE = {"kind": "file", "name": "a\0", "text": "b\0"}


def heard(words: dict[str, Any], spoken: TypeAdapter[Any]) -> Any:
    return understood(parse_body(json.dumps(words).encode()), spoken)


def test_what_postgres_cannot_keep_is_replaced() -> None:
    more = {"text": "c\0", "models": ["m\0"], "attachments": [FILE], "system": "\0", "parameters": {"stop\0": ["\0"]}}
    asked = heard(COMPARISON | more, COMPARED)
    assert isinstance(asked, Compare)
    assert "\0" not in repr(asked.model_dump())
    assert (asked.text, asked.models, asked.parameters) == ("c\ufffd", ["m\ufffd"], {"stop\ufffd": ["\ufffd"]})
    fight = heard(BATTLE | {"text": "a\0"}, FOUGHT)
    assert isinstance(fight, Fight)
    assert fight.text == "a\ufffd"


@pytest.mark.parametrize(
    ("words", "spoken", "named"),
    [
        (COMPARISON | {"text": 7}, COMPARED, "text"),
        (COMPARISON | {"text": None}, COMPARED, "text"),
        (COMPARISON | {"models": "echo"}, COMPARED, "models"),
        (COMPARISON | {"models": ["x" * 101]}, COMPARED, "models.0"),
        (COMPARISON | {"models": list("abcdefg")}, COMPARED, "models"),
        (COMPARISON | {"comparison": "7"}, COMPARED, "comparison"),
        (COMPARISON | {"system": ["s"]}, COMPARED, "system"),
        (COMPARISON | {"parameters": [1]}, COMPARED, "parameters"),
        (COMPARISON | {"attachments": [FILE | {"name": "n" * 256}]}, COMPARED, "attachments.0.name"),
        (COMPARISON | {"attachments": [{"kind": "image", "name": "a", "url": "file:///a"}]}, COMPARED, "attachments.0"),
        (COMPARISON | {"unknown": 1}, COMPARED, "unknown"),
        ({"type": "compare_again", "comparison": NUMBER, "parameters": "p"}, COMPARED, "parameters"),
        ({"type": ["compare"]}, COMPARED, "type"),
        ({"type": "battle"}, COMPARED, "type"),
        ({}, COMPARED, "type"),
        (BATTLE | {"text": ""}, FOUGHT, "text"),
        (BATTLE | {"text": {"a": 1}}, FOUGHT, "text"),
        (BATTLE | {"battle": 7}, FOUGHT, "battle"),
        (BATTLE | {"models": ["echo"]}, FOUGHT, "models"),
        ({"type": "battle_again"}, FOUGHT, "battle"),
    ],
)
def test_what_is_wrong_is_named(words: dict[str, Any], spoken: TypeAdapter[Any], named: str) -> None:
    with pytest.raises(BadRequest) as refused:
        heard(words, spoken)
    assert named in str(refused.value.param)
    assert refused.value.message.endswith("Reload the page.")
