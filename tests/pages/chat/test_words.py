"""What a page says, checked."""

from __future__ import annotations

import pytest

from inference.protocol.errors import BadRequest
from pages.chat.words import SPOKEN, Ask, understood


def test_what_postgres_cannot_keep_is_replaced() -> None:
    file = {"kind": "file", "name": "a\0", "text": "b\0"}
    asked = understood(
        {"type": "ask", "model": "m", "text": "c\0", "attachments": [file], "parameters": {"stop": ["d\0"]}},
        SPOKEN,
    )
    assert isinstance(asked, Ask)
    assert asked.text == "c\ufffd"
    assert (asked.attachments[0].name, asked.attachments[0].text) == ("a\ufffd", "b\ufffd")
    assert asked.parameters == {"stop": ["d\ufffd"]}


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"model": "x" * 101}, "model"),
        ({"conversation": "7"}, "conversation"),
        (
            {"attachments": [{"kind": "image", "name": "a", "url": "https://elsewhere.example/a.png"}]},
            "attachments.0.url",
        ),
        (
            {"attachments": [{"kind": "image", "name": "a", "url": "data:image/svg+xml;base64,PHN2Zz4="}]},
            "attachments.0",
        ),
        ({"unknown": 1}, "unknown"),
    ],
)
def test_what_is_wrong_is_named(wrong: dict[str, object], named: str) -> None:
    with pytest.raises(BadRequest) as refused:
        understood({"type": "ask", "model": "m", "text": "t"} | wrong, SPOKEN)
    assert named in str(refused.value.param)
