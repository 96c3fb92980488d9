"""Server-sent events, however the network cuts them."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from openai_api.events import payloads

STREAM = (
    b': ping\n\ndata: {"a":1}\n\ndata: {"a":"\xc3\xa9"}\r\n\r\n'
    b'event: x\ndata:{"a":3}\n\ndata: [DONE]\n\ndata: {"a":4}\n\n'
)


async def cut(size: int) -> AsyncIterator[bytes]:
    for start in range(0, len(STREAM), size):
        yield STREAM[start : start + size]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 16, len(STREAM)])
async def test_events_come_out_whole_and_end_at_done(size: int) -> None:
    assert [payload["a"] async for payload in payloads(cut(size))] == [1, "é", 3]
