"""The end of a stream for a client with limits."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

from inference.protocol.stream import DONE
from openai_api.errors import AnswerCutShort


async def settled_first(chunks: AsyncIterator[bytes], settle: Callable[[], Awaitable[None]]) -> AsyncIterator[bytes]:
    """The same stream, whose closing mark is held back until the limits are settled.

    A client may ask again as soon as it has read that mark, and finds its seat and its tokens free. Chunks are whole
    events, so that the mark is at the end of one.
    """
    ended = False
    try:
        async for chunk in chunks:
            ended = ended or chunk.endswith(DONE)
            if shown := chunk.removesuffix(DONE):
                yield shown
    except AnswerCutShort:
        # Behind the mark a worker says only what it took: the client has all of its answer.
        if not ended:
            raise
    await settle()
    if ended:
        yield DONE
