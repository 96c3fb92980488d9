"""The end of a stream comes when the limits are settled."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from inference.protocol.stream import DONE
from openai_api.errors import AnswerCutShort
from openai_api.limits.ending import settled_first

WORD = b'data: {"choices":[]}\n\n'
SETTLED = b"(settled)"


async def relayed(*chunks: bytes, breaks: bool = False) -> list[bytes]:
    """What a client gets, with the moment in which the limits are settled."""
    seen: list[bytes] = []

    async def answer() -> AsyncIterator[bytes]:
        for chunk in chunks:
            yield chunk
        if breaks:
            raise AnswerCutShort

    async def settle() -> None:
        seen.append(SETTLED)

    async for chunk in settled_first(answer(), settle):
        seen.append(chunk)  # noqa: PERF401 - in the order in which things happen
    return seen


@pytest.mark.parametrize("chunks", [(WORD + DONE,), (WORD, DONE), (WORD, DONE, b": its account\n\n")])
async def test_the_closing_mark_is_the_last_and_comes_after_settling(chunks: tuple[bytes, ...]) -> None:
    seen = await relayed(*chunks)
    assert seen[0] == WORD
    assert seen[-2:] == [SETTLED, DONE]


async def test_a_stream_that_ends_without_a_mark_gets_none_here() -> None:
    assert await relayed(WORD) == [WORD, SETTLED]


async def test_a_worker_that_dies_behind_its_mark_has_answered_and_one_before_has_not() -> None:
    assert await relayed(WORD, DONE, breaks=True) == [WORD, SETTLED, DONE]
    with pytest.raises(AnswerCutShort):
        await relayed(WORD, breaks=True)
