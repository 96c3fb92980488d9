"""An answer that grows looks at its end as if it had come at once."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pages.prose.markdown import render
from pages.prose.stream import Prose

PIECES = st.sampled_from(
    [
        *("word ", "\n", "\n\n", "# ", "#", "- ", "1. ", "> ", "```", "```py\n", "    ", "| a | b |\n", "|---|--:|\n"),
        *("**", "*", "`", "$x$", "\\(a\\)", "$$y$$", "===\n", "---\n", "~~", "<b>", "[t](http://h)", "中文", "🙂"),
    ]
)


def grown(pieces: list[str]) -> tuple[Prose, str]:
    prose, shown = Prose(), ""
    for piece in pieces:
        prose.append(piece)
        shown = prose.update().open
    return prose, "".join(prose.finished) + shown


@given(st.lists(PIECES, max_size=25))
@example(["word ", "\n", "#", "word "])
@example(["$$", "\n", "word ", "\n\n", "word ", "\n", "$$"])
@example(["\\[", "\n", "a", "\n\n", "b", "\n", "\\]\n", "word "])
@example(["- ", "word ", "\n\n", "word ", "\n", "    ", "word "])
def test_the_parts_are_the_whole(pieces: list[str]) -> None:
    prose, html = grown(pieces)
    assert html == render(prose.text)


def test_what_is_finished_is_not_rendered_again() -> None:
    prose = Prose()
    prose.append("# One\n\nTwo words.\n\nThree ")
    assert prose.update().finished == ("<h1>One</h1>\n",)
    prose.append("more words.\n")
    update = prose.update()
    assert update.finished == ("<p>Two words.</p>\n",)
    assert update.open == "<p>Three more words.</p>\n"
    assert update.covers == len(prose.text)


def test_carriage_returns_are_no_text() -> None:
    _, html = grown(["a\r", "\nb\r\n", "\r\nc\r\n"])
    assert html == "<p>a<br>\nb</p>\n<p>c</p>\n"


@pytest.mark.parametrize(
    ("text", "joint"),
    [
        ("one", ""),
        ("one ", " "),
        ("one\n", "\n"),
        ("one\n\n", None),
        ("one\n\n- two\n- three", ""),
        ("# One\n", None),
        ("```py\nx = 1\n\n", ""),
        ("```py\nx = 1\n```", None),
        ("~~~\n```", ""),
        ("", None),
    ],
)
def test_it_is_known_whether_the_next_word_goes_on_where_the_last_one_ended(text: str, joint: str | None) -> None:
    prose = Prose()
    prose.append(text)
    assert prose.update().joint == joint
