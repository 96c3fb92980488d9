"""What an exchange said."""

from __future__ import annotations

import orjson
import pytest

from bench.load.answer import Answer, read
from bench.load.exchange import Exchange


def chunk(text: str, index: int = 0, reason: str | None = None, **more: object) -> bytes:
    choice = {"index": index, "delta": {"content": text}, "finish_reason": reason}
    return b"data: " + orjson.dumps({"choices": [choice], **more}) + b"\n\n"


def streamed(*pieces: bytes, status: int = 200, left: bool = False) -> Answer:
    timed = [(10.0 + index, piece) for index, piece in enumerate(pieces)]
    return read(Exchange(10.0, timed, status, ended=20.0, complete=not left, left=left), streamed=True)


def test_a_stream_has_texts_reasons_times_and_usage() -> None:
    usage = {"completion_tokens": 7, "prompt_tokens": 5, "prompt_tokens_details": {"cached_tokens": 3}}
    end = b"data: " + orjson.dumps({"choices": [], "usage": usage}) + b"\n\ndata: [DONE]\n\n"
    found = streamed(chunk("a"), chunk("x", 1), chunk("b", reason="stop"), end)
    assert (found.texts, found.reasons, found.times) == ({0: "ab", 1: "x"}, {0: "stop"}, [0.0, 1.0, 2.0])
    assert (found.tokens, found.prompt_tokens, found.cached_tokens, found.error) == (7, 5, 3, "")


@pytest.mark.parametrize(
    ("body", "status", "complaint"),
    [
        (chunk("a"), 200, "without [DONE]"),
        (b'event: error\ndata: {"error": {"message": "gone"}}\n\n', 200, "gone"),
        (b'data: {"error": {"message": "gone"}}\n\n', 200, "gone"),
        (b"data: nonsense\n\n", 200, "not in the format"),
        (b'{"error": {"message": "busy"}}', 429, "429"),
    ],
)
def test_what_is_no_whole_stream_is_an_error(body: bytes, status: int, complaint: str) -> None:
    assert complaint in streamed(body, status=status).error


def test_an_answer_may_end_before_it_has_said_anything() -> None:
    found = streamed(b": so far nothing\n\n", chunk("", reason="stop"))
    assert (found.times, found.first, found.reasons) == ([], 1.0, {0: "stop"})


def test_who_leaves_has_what_came_and_no_complaint() -> None:
    found = streamed(chunk("a"), left=True)
    assert (found.texts, found.error, found.done) == ({0: "a"}, "", False)
