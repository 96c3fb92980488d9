"""Events are the same however the network cuts them."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from bench.load.sse import events

BODY = b": hello\r\ndata: one\r\n\r\nevent: error\ndata:two\ndata: three\n\ndata: cut"


def read(pieces: list[bytes]) -> list[tuple[float, str, bytes]]:
    return [(event.at, event.name, event.data) for event in events(enumerate(pieces))]


def test_names_comments_lines_and_what_was_never_ended() -> None:
    assert read([BODY]) == [(0, "message", b"one"), (0, "error", b"two\nthree")]


def test_an_event_has_the_time_of_the_piece_that_ended_it() -> None:
    assert read([b"data: a", b"b\n", b"\n"]) == [(2, "message", b"ab")]


@given(st.lists(st.integers(0, len(BODY)), max_size=8))
def test_any_cut_gives_the_same(cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), len(BODY)]
    pieces = [BODY[start:end] for start, end in pairwise(edges)]
    assert [event[1:] for event in read(pieces)] == [event[1:] for event in read([BODY])]
