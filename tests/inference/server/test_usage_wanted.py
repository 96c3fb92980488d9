"""A stream without the event that only counts, however it is cut into pieces."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.server.usage_wanted import Withheld, wanted

WORDS = b'data: {"choices":[{"delta":{"content":"say \\"choices\\":[]"}}]}\n\n: keep-alive\n\n'
COUNTS = b'data: {"id":"x","choices":[],"usage":{"prompt_tokens":7}}\n\n'
DONE = b"data: [DONE]\n\n"
STREAM = WORDS + COUNTS + DONE


@given(st.lists(st.integers(0, len(STREAM)), max_size=6), st.booleans())
def test_in_any_pieces_only_the_count_is_missing(cuts: list[int], crlf: bool) -> None:
    stream, left = (text.replace(b"\n", b"\r\n") if crlf else text for text in (STREAM, WORDS + DONE))
    bounds = [0, *sorted(cuts), len(stream)]
    withheld = Withheld()
    shown = b"".join(withheld.pass_on(stream[begin:end]) for begin, end in pairwise(bounds))
    assert shown + withheld.last() == left


def test_half_an_event_is_not_lost() -> None:
    withheld = Withheld()
    assert withheld.pass_on(b"data: {") + withheld.last() == b"data: {"


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"stream": False},
        {"stream": True, "stream_options": {"include_usage": True}},
        {"stream": True, "stream_options": 7},
    ],
)
def test_who_asked_or_does_not_stream_gets_what_the_server_says(asked: dict[str, object]) -> None:
    assert wanted(asked, b"as it was") == (b"as it was", False)


@pytest.mark.parametrize("options", [None, {}, {"include_usage": False}])
def test_usage_is_asked_for(options: object) -> None:
    body, withheld = wanted({"stream": True, "stream_options": options}, b"")
    assert (body, withheld) == (b'{"stream":true,"stream_options":{"include_usage":true}}', True)
