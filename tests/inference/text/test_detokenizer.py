"""The incremental detokenizer against decoding everything at once."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.text.detokenizer import Detokenizer

SAMPLES = ["Hello, world", "你好，世界", "naïve café", "👩‍👩‍👧‍👦 and 🏳️‍🌈", "a\u0301", "тест", "🙂" * 12]


class Pieces:
    """A byte-level vocabulary: a token is any piece of bytes, as in GPT-2's tokenizer."""

    def __init__(self, pieces: Sequence[bytes]) -> None:
        self.pieces = pieces
        self.longest_call = 0

    def decode(self, ids: Sequence[int]) -> str:
        self.longest_call = max(self.longest_call, len(ids))
        return b"".join(self.pieces[index] for index in ids).decode("utf-8", errors="replace")


def byte_fallback(ids: Sequence[int]) -> str:
    """SentencePiece's way: a run of byte tokens is text when all of it is valid, else garbage for each byte."""
    run = bytes(ids)
    try:
        return run.decode("utf-8")
    except UnicodeDecodeError:
        return "\ufffd" * len(run)


def cut(text: str, sizes: Sequence[int]) -> list[bytes]:
    data, pieces, at = text.encode("utf-8"), [], 0
    for size in [*sizes, *([1] * len(data))]:
        if at >= len(data):
            break
        pieces.append(data[at : at + size])
        at += size
    return pieces


def stream(detokenizer: Detokenizer, count: int) -> list[str]:
    return [*(detokenizer.push(index) for index in range(count)), detokenizer.flush()]


@given(st.text(min_size=1, max_size=60), st.lists(st.integers(1, 7), max_size=60))
def test_pieces_cut_anywhere_give_the_whole_text_and_no_broken_character(text: str, sizes: list[int]) -> None:
    pieces = cut(text, sizes)
    shown = stream(Detokenizer(Pieces(pieces).decode), len(pieces))
    assert "".join(shown) == text
    assert "".join(shown).count("\ufffd") == text.count("\ufffd")


@pytest.mark.parametrize("text", SAMPLES)
def test_one_byte_a_token_shows_each_character_as_soon_as_it_is_complete(text: str) -> None:
    pieces = cut(text, [])
    shown = stream(Detokenizer(Pieces(pieces).decode), len(pieces))
    assert [part for part in shown if part] == list(text)


@pytest.mark.parametrize("text", SAMPLES)
def test_decoders_that_show_a_run_of_bytes_as_garbage_still_stream_whole_characters(text: str) -> None:
    data = text.encode("utf-8")
    detokenizer = Detokenizer(byte_fallback)
    shown = [*(detokenizer.push(byte) for byte in data), detokenizer.flush()]
    assert "".join(shown) == text


@given(st.lists(st.binary(min_size=1, max_size=4), min_size=1, max_size=120))
def test_bytes_that_never_become_text_neither_stop_the_stream_nor_grow_the_window(pieces: list[bytes]) -> None:
    vocabulary = Pieces(pieces)
    shown = "".join(stream(Detokenizer(vocabulary.decode), len(pieces)))
    assert shown.replace("\ufffd", "") == vocabulary.decode(range(len(pieces))).replace("\ufffd", "")
    assert vocabulary.longest_call <= 80


def test_a_long_text_is_decoded_in_a_window_of_a_few_tokens() -> None:
    vocabulary = Pieces([b" word"] * 1000)
    shown = stream(Detokenizer(vocabulary.decode), 1000)
    assert "".join(shown) == " word" * 1000
    assert vocabulary.longest_call <= 3


def test_what_is_incomplete_at_the_end_comes_out_as_a_replacement_character() -> None:
    detokenizer = Detokenizer(Pieces([b"ok ", "你".encode()[:2]]).decode)
    assert detokenizer.push(0) == "ok "
    assert detokenizer.push(1) == ""
    assert detokenizer.flush() == "\ufffd"


def test_a_token_without_text_keeps_the_space_of_the_next_word() -> None:
    detokenizer = Detokenizer(metaspace)
    assert [detokenizer.push(index) for index in (0, 1, 2)] == ["one", "", " two"]


def test_what_goes_on_after_other_tokens_keeps_the_space_of_its_first_word() -> None:
    detokenizer = Detokenizer(metaspace)
    detokenizer.go_on_after([0] * 50)
    assert [detokenizer.push(2), detokenizer.push(2), detokenizer.flush()] == [" two", " two", ""]


@pytest.mark.parametrize("before", ["🙂🙂🙂", "", "ab" * 20])
def test_characters_of_before_do_not_spoil_those_that_follow(before: str) -> None:
    detokenizer = Detokenizer(byte_fallback)
    detokenizer.go_on_after(list(before.encode()))
    assert [*map(detokenizer.push, "é🙂".encode()), detokenizer.flush()] == ["", "é", "", "", "", "🙂", ""]


WORDS = {0: "▁one", 1: "", 2: "▁two"}


def metaspace(ids: Sequence[int]) -> str:
    """SentencePiece's, which drops the space before the first word."""
    return "".join(WORDS[index] for index in ids).replace("▁", " ").removeprefix(" ")
