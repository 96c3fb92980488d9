"""Stop strings against searching the whole text."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from inference.text.stop_strings import StopStrings
from inference.text.stream import TextStream

letters = st.text(alphabet="ab", max_size=4)


def expected(text: str, stops: list[str]) -> str:
    places = [text.find(stop) for stop in stops if stop and stop in text]
    return text[: min(places)] if places else text


@given(st.lists(letters, max_size=12), st.lists(letters, max_size=4))
def test_whatever_way_the_text_is_cut_the_first_stop_string_ends_it(parts: list[str], stops: list[str]) -> None:
    finder, shown, text = StopStrings(stops), "", ""
    for part in parts:
        text += part
        shown += finder.push(part)
        assert expected(text, stops).startswith(shown)
        if finder.matched is not None:
            break
    assert shown + finder.flush() == expected(text, stops)


def test_only_what_could_begin_a_stop_string_is_held_back() -> None:
    finder = StopStrings(["\nUser:"])
    assert finder.push("Hello") == "Hello"
    assert finder.push(" you\n") == " you"
    assert finder.push("Us") == ""
    assert finder.push("ually") == "\nUsually"
    assert finder.matched is None


def test_a_stop_string_across_three_pieces_is_found_and_not_shown() -> None:
    finder = StopStrings(["<end>"])
    assert [finder.push(part) for part in ("one <", "en", "d> two")] == ["one ", "", ""]
    assert finder.matched == "<end>"
    assert finder.push("three") == "" == finder.flush()


def test_a_stream_finds_a_stop_string_in_what_the_detokenizer_still_held() -> None:
    pieces = [b"one", b" \xe4\xbd"]
    text = TextStream(lambda ids: b"".join(pieces[i] for i in ids).decode(errors="replace"), ["\ufffd"])
    assert [text.push(0), text.push(1), text.finish()] == ["one", " ", ""]
    assert text.stopped
