"""What passes of an answer: whole events, without the worker's last words, however the bytes were cut."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from openai_api.call import Outcome
from openai_api.errors import AnswerCutShort
from openai_api.relay import Answer
from openai_api.usage.metering import metered, split

HEADERS = {"content-type": "text/event-stream"}
EVENTS = b'data: {"a":1}\n\ndata: {"b":": modelyard {"}\n\ndata: [DONE]\n\n'
WORDS = b': modelyard {"prompt_tokens":3,"completion_tokens":2,"cached_tokens":1,"finish":"stop"}\n\n'


def outcome() -> Outcome:
    return Outcome(began_at=datetime.now(UTC), asked_at=0.0)


async def pieces(data: bytes, size: int, *, breaks: bool = False) -> AsyncIterator[bytes]:
    for start in range(0, len(data), size):
        yield data[start : start + size]
    if breaks:
        raise AnswerCutShort


@pytest.mark.parametrize("size", [1, 2, 7, 50, 1000])
async def test_the_numbers_are_taken_out_wherever_reads_were_cut(size: int) -> None:
    noted = outcome()
    answer = metered(Answer(200, HEADERS, pieces(EVENTS + WORDS, size)), noted)
    passed = [chunk async for chunk in answer.chunks]
    assert b"".join(passed) == EVENTS
    assert all(chunk.endswith(b"\n\n") for chunk in passed)
    assert (noted.prompt_tokens, noted.completion_tokens, noted.cached_tokens) == (3, 2, 1)
    assert (noted.exact, noted.finish, noted.status, noted.streamed) == (True, "stop", 200, True)


async def test_of_a_stream_that_breaks_off_no_half_event_passes_and_its_events_are_counted() -> None:
    noted = outcome()
    answer = metered(Answer(200, HEADERS, pieces(EVENTS[:-20] + b"data: {", 5, breaks=True)), noted)
    passed: list[bytes] = []
    with pytest.raises(AnswerCutShort):
        await _read(answer, passed)
    assert passed == [b'data: {"a":1}\n\n']
    assert (noted.exact, noted.completion_tokens) == (False, 1)


async def _read(answer: Answer, into: list[bytes]) -> None:
    async for chunk in answer.chunks:
        into.append(chunk)  # noqa: PERF401 - it has to keep what came before the error


WAITING = b": waiting, place 3 in the queue\n\n"
ROLE = b'data: {"choices":[{"index":0,"delta":{"role":"assistant","content":"","refusal":null}}]}\n\n'
FAILED = b'data: {"error":{"message":"m","type":"t","param":null,"code":null}}\n\ndata: [DONE]\n\n'


@pytest.mark.parametrize(
    ("before", "first"),
    [
        ([WAITING, WAITING], EVENTS),
        ([WAITING + ROLE], EVENTS),
        ([ROLE, ROLE], ROLE + EVENTS),
        ([ROLE], WAITING + EVENTS),
        ([WAITING, ROLE, FAILED], b""),
    ],
)
async def test_the_first_token_is_neither_a_comment_nor_the_role_nor_an_error(
    before: list[bytes], first: bytes
) -> None:
    noted, seen = outcome(), []

    async def chunks() -> AsyncIterator[bytes]:
        for chunk in before:
            yield chunk
            seen.append(noted.first_at)
        yield first

    assert [chunk async for chunk in metered(Answer(200, HEADERS, chunks()), noted).chunks]
    assert seen == [None] * len(before)
    assert (noted.first_at is not None) == bool(first)


async def test_an_error_of_the_engine_is_noted_by_its_code() -> None:
    noted = outcome()
    body = b'{"error":{"message":"m","type":"t","param":null,"code":"too_long"}}'
    answer = metered(Answer(400, {"content-type": "application/json"}, pieces(body, 1000)), noted)
    assert [chunk async for chunk in answer.chunks] == [body]
    assert (noted.status, noted.finish, noted.error) == (400, "error", "too_long")


@pytest.mark.parametrize(
    ("data", "whole", "rest"),
    [
        (b"a\n\nb", b"a\n\n", b"b"),
        (b"\n\nb", b"\n\n", b"b"),
        (b"ab", b"", b"ab"),
        (b"a\r\n\r\nb", b"a\r\n\r\n", b"b"),
    ],
)
def test_events_are_told_from_the_beginning_of_the_next(data: bytes, whole: bytes, rest: bytes) -> None:
    assert split(data) == (whole, rest)
