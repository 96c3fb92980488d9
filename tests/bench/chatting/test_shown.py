"""What the crowd takes for shown, and for right."""

from __future__ import annotations

from bench.chatting.shown import Shown, kept, moments, same


def test_words_are_seen_once_however_they_come() -> None:
    shown = Shown()
    assert shown.hear({"type": "blocks", "first": 0, "finished": [], "open": "", "tail": "one"}) == ["one"]
    assert shown.hear({"type": "text", "text": " &lt;two"}) == ["&lt;two"]
    blocks = {
        "type": "blocks",
        "first": 0,
        "finished": ["<p>one &amp;lt;two</p>\n"],
        "open": "<p>three</p>",
        "tail": " four",
    }
    assert shown.hear(blocks) == ["three", "four"]
    assert shown.hear({"type": "blocks", "first": 1, "finished": [], "open": "<p>three four</p>", "tail": ""}) == []
    assert shown.text.split() == ["one", "&lt;two", "three", "four"]


def test_what_was_kept_is_read_from_the_turn() -> None:
    assert kept('<li><div class="raw" hidden>a &lt;b&gt;\nc</div></li>') == "a <b>\nc"
    assert kept("<li></li>") == ""


def test_an_answer_is_right_with_all_its_words_or_as_many_moments() -> None:
    assert same(["a", "b"], ["a", "b"])
    assert not same(["a", "b"], ["a"])
    assert moments(["a", "b"], ["10", "11"])
    assert not moments(["a", "b"], ["11", "10"])
    assert not moments(["a", "b"], ["10"])
