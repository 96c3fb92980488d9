"""Stop strings against searching the whole text."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.text.stop_strings import StopStrings
from inference.text.stream import TextStream

letters = st.text(alphabet="abc", max_size=5)


def expected(text: str, stops: Sequence[str], *, include: bool = False, unwatched: int = 0) -> tuple[str, str | None]:
    """What is shown of a text, and the stop string: by looking at every beginning of the text."""
    for end in range(unwatched + 1, len(text) + 1):
        found = max((stop for stop in stops if stop and text[:end].endswith(stop)), key=len, default=None)
        if found is not None:
            return text[: end if include else end - len(found)], found
    return text, None


@given(st.lists(letters, max_size=12), st.lists(letters, max_size=5), st.booleans(), st.integers(0, 12))
def test_whatever_way_the_text_is_cut_the_first_complete_stop_string_ends_it(
    parts: list[str], stops: list[str], include: bool, watched_from: int
) -> None:
    finder, text = StopStrings(stops, include=include), "".join(parts)
    shown = "".join([finder.push(part, watch=at >= watched_from) for at, part in enumerate(parts)]) + finder.flush()
    unwatched = len("".join(parts[:watched_from]))
    assert (shown, finder.matched) == expected(text, stops, include=include, unwatched=unwatched)


@given(st.text(alphabet="abc", max_size=20), st.lists(letters, max_size=4))
def test_nothing_waits_that_cannot_become_a_stop_string(text: str, stops: list[str]) -> None:
    finder, shown = StopStrings(stops), ""
    for end, character in enumerate(text, 1):
        shown += finder.push(character)
        waiting = text[len(shown) : end]
        assert finder.matched or not waiting or any(stop.startswith(waiting) for stop in stops)


def test_only_what_could_begin_a_stop_string_is_held_back() -> None:
    finder = StopStrings(["\nUser:"])
    assert finder.push("Hello") == "Hello"
    assert finder.push(" you\n") == " you"
    assert finder.push("Us") == ""
    assert finder.push("ually") == "\nUsually"
    assert finder.matched is None


@pytest.mark.parametrize(("include", "shown"), [(False, ""), (True, "<end>")])
def test_a_stop_string_across_three_pieces_is_found_and_shown_only_if_wanted(include: bool, shown: str) -> None:
    finder = StopStrings(["<end>"], include=include)
    assert [finder.push(part) for part in ("one <", "en", "d> two")] == ["one ", "", shown]
    assert finder.matched == "<end>"
    assert finder.push("three") == "" == finder.flush()


def test_text_that_keeps_beginning_a_stop_string_anew_waits_no_longer_than_it_must() -> None:
    finder = StopStrings(["a" * 300 + "b", "ab" * 200])
    assert finder.push("a" * 400) == "a" * 100
    assert finder.push("b") == ""
    assert finder.matched == "a" * 300 + "b"


def test_a_stream_finds_a_stop_string_in_what_the_detokenizer_still_held() -> None:
    pieces = [b"one", b" \xe4\xbd"]
    text = TextStream(lambda ids: b"".join(pieces[i] for i in ids).decode(errors="replace"), ["\ufffd"])
    assert [text.push(0), text.push(1), text.finish()] == ["one", " ", ""]
    assert text.stopped_by == "\ufffd"
