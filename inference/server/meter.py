"""Counts what another server answers, without reading it all: by the usage that it states, else by its events."""

from __future__ import annotations

import re
from typing import Any

import orjson

from inference.protocol.responses import Usage

# Bytes of a stream's end that are looked at; its usage is in the last event, or in the last but one.
TAIL = 4096
_EVENT = b"data: "
# What an event says that its choice took so far; the text of a choice cannot look like it, for its quotes are escaped.
_RUNNING = re.compile(
    rb'"choices":\s*\[\{"index":\s*(\d+)[^\n]*"usage":\s*\{"prompt_tokens":\s*(\d+)[^}\n]*"completion_tokens":\s*(\d+)'
)


class Meter:
    """What passed of one answer."""

    def __init__(self, *, streamed: bool) -> None:
        self._streamed = streamed
        self._events = 0
        self._tail = b""
        self._prompt = 0
        self._choices: dict[bytes, int] = {}

    def note(self, piece: bytes) -> None:
        """Some bytes passed; an event that is split just so goes uncounted."""
        self._events += piece.count(_EVENT)
        self._tail = (self._tail + piece)[-TAIL:] if self._streamed else self._tail + piece
        if self._streamed and b'"usage"' in piece:
            for index, prompt, completion in _RUNNING.findall(piece):
                self._prompt, self._choices[index] = int(prompt), int(completion)

    def result(self) -> tuple[Usage, str, bool]:
        """The tokens, why it ended, and whether the server said so itself, at the end or as it went."""
        facts = self._last_facts()
        finish = next(filter(None, map(_finish, facts)), "")
        # With choices beside it, the usage of a stream's event is that of one choice until then.
        stated = (_usage(told.get("usage")) for told in facts if not (self._streamed and told.get("choices")))
        usage = next(filter(None, stated), None)
        if usage is None and self._choices:
            usage = Usage(self._prompt, sum(self._choices.values()))
        # Of its events one is the closing mark, and mostly one tells the role and one the end.
        return usage or Usage(0, max(0, self._events - 3)), finish, usage is not None

    def _last_facts(self) -> list[dict[str, Any]]:
        texts = [self._tail]
        if self._streamed:
            texts = [part.strip() for part in self._tail.split(_EVENT)[1:]][::-1]
        return [facts for facts in map(_parsed, texts) if isinstance(facts, dict)]


def _parsed(text: bytes) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return None


def _usage(given: Any) -> Usage | None:
    if not isinstance(given, dict):
        return None
    details = given.get("prompt_tokens_details")
    cached = details.get("cached_tokens") if isinstance(details, dict) else 0
    return Usage(_count(given.get("prompt_tokens")), _count(given.get("completion_tokens")), _count(cached))


def _count(value: Any) -> int:
    return value if isinstance(value, int) and value > 0 else 0


def _finish(told: dict[str, Any]) -> str:
    choices = told.get("choices")
    if told.get("error"):
        return "error"
    if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
        return ""
    reason = choices[0].get("finish_reason")
    return reason[:20] if isinstance(reason, str) else ""
