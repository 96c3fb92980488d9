"""Cutting a log into pieces."""

from __future__ import annotations

from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.protocol.logs import SMALLEST, read_piece


@given(text=st.text(), limit=st.integers(SMALLEST, 9))
def test_pieces_read_one_after_the_other_are_the_whole_text(text: str, limit: int) -> None:
    file, read, start = BytesIO(text.encode()), "", 0
    while (piece := read_piece(file, start, limit))["end"] < piece["size"]:
        read, start = read + piece["text"], piece["end"]
    assert read + piece["text"] == text


@given(data=st.binary(), limit=st.integers(SMALLEST, 9))
def test_whatever_is_in_a_file_its_end_is_reached(data: bytes, limit: int) -> None:
    start = 0
    while len(data) - start >= SMALLEST:
        piece = read_piece(BytesIO(data), start, limit)
        assert piece["end"] > start
        start = piece["end"]


@pytest.mark.parametrize(("start", "text"), [(-3, "€"), (-4, "n€"), (-2, ""), (-100, "log in€")])
def test_a_start_below_zero_counts_from_the_end_and_cuts_no_character(start: int, text: str) -> None:
    piece = read_piece(BytesIO("log in€".encode()), start)
    assert (piece["text"], piece["end"]) == (text, piece["size"])
    assert piece["start"] == piece["size"] - len(text.encode())


def test_a_character_whose_end_is_not_written_yet_waits_for_it() -> None:
    euro = "€".encode()
    assert read_piece(BytesIO(b"1" + euro[:2]), 0) == {"start": 0, "end": 1, "size": 3, "text": "1"}
    assert read_piece(BytesIO(b"1" + euro), 1)["text"] == "€"


def test_beyond_the_end_there_is_nothing() -> None:
    assert read_piece(BytesIO(b"short"), 99) == {"start": 5, "end": 5, "size": 5, "text": ""}
