"""Notes what an answer takes while it passes: no JSON but in the worker's last words."""

from __future__ import annotations

import re
import time
from collections.abc import AsyncIterator
from typing import Any

import orjson

from inference.protocol.accounting import MARK
from openai_api.call import Outcome
from openai_api.relay import Answer

_EVENT = b"data: "
_END = b"\n\n"
# Other servers may end their lines as HTTP does.
_END_CRLF = b"\r\n\r\n"
FAILED = 400
# Events without a token: that the assistant is going to speak, which comes at once, an error, and the end.
_SILENT = re.compile(rb'"role": ?"assistant", ?"content": ?""|^data: (?:\[DONE\]|\{"error")')


def metered(answer: Answer, outcome: Outcome) -> Answer:
    """The same answer, whose outcome is noted as it is read. A stream comes in whole events, without the numbers."""
    outcome.status, outcome.streamed = answer.status, answer.streams
    chunks = _stream(answer.chunks, outcome) if answer.streams else _whole(answer, outcome)
    return Answer(answer.status, answer.headers, chunks, answer.accounting)


def take(facts: bytes | str, outcome: Outcome) -> bool:
    """Note a worker's numbers; false when it is nothing that we know."""
    try:
        told = orjson.loads(facts)
        prompt, completion, cached = (
            int(told[name]) for name in ("prompt_tokens", "completion_tokens", "cached_tokens")
        )
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError):
        return False
    outcome.prompt_tokens, outcome.completion_tokens, outcome.cached_tokens = prompt, completion, cached
    outcome.exact = told.get("exact", True) is True
    outcome.finish = outcome.finish or str(told.get("finish", ""))
    return True


async def _whole(answer: Answer, outcome: Outcome) -> AsyncIterator[bytes]:
    take(answer.accounting, outcome)
    body = b"".join([chunk async for chunk in answer.chunks])
    if answer.status >= FAILED:
        outcome.finish, outcome.error = "error", _code(body)
    yield body


async def _stream(chunks: AsyncIterator[bytes], outcome: Outcome) -> AsyncIterator[bytes]:
    rest = b""
    async for chunk in chunks:
        whole, rest = split(rest + chunk if rest else chunk)
        if whole and (shown := _noted(whole, outcome)):
            yield shown
    # Only of a stream that ended by itself: half an event of one that broke off would swallow what we say next.
    if rest:
        yield rest


def split(data: bytes) -> tuple[bytes, bytes]:
    """Whole events, and the beginning of the next one."""
    if data.endswith(_END):
        return data, b""
    end = max(_behind_last(mark, data) for mark in (_END, _END_CRLF))
    return data[:end], data[end:]


def _behind_last(mark: bytes, data: bytes) -> int:
    at = data.rfind(mark)
    return 0 if at < 0 else at + len(mark)


def _noted(whole: bytes, outcome: Outcome) -> bytes:
    if outcome.first_at is None and _speaks(whole):
        outcome.first_at = time.monotonic()
    # A line of JSON has no line break in it, so that no text of a model can look like this.
    at = 0 if whole.startswith(MARK) else whole.find(b"\n" + MARK) + 1
    if at or whole.startswith(MARK):
        take(whole[at + len(MARK) :], outcome)
        return whole[:at]
    if not outcome.exact:
        outcome.completion_tokens += whole.count(_EVENT)
    return whole


def _speaks(whole: bytes) -> bool:
    """Whether there is something of the model in it, and not just comments and formalities."""
    return any(event.startswith(_EVENT) and not _SILENT.search(event) for event in whole.split(_END))


def _code(body: bytes) -> str:
    try:
        error: Any = orjson.loads(body)["error"]
        return str(error["code"] or error["type"])
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return "engine_error"
