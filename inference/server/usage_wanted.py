"""Asks another server to say what a stream took, also where the client did not ask, who then does not hear it."""

from __future__ import annotations

import re
from typing import Any

import orjson

_ENDS = b"\n\n", b"\r\n\r\n"
_BETWEEN = re.compile(rb"(?<=\n\n)|(?<=\r\n\r\n)")
# The event that OpenAI's format ends with when usage is asked for. No text of a model can look like it: its quotes
# are escaped.
_USAGE = re.compile(rb'"choices":\s*\[\]')


def wanted(asked: dict[str, Any], body: bytes) -> tuple[bytes, bool]:
    """The body with usage asked for, and whether the client is to be kept from it."""
    options = asked.get("stream_options") or {}
    if not asked.get("stream") or not isinstance(options, dict) or options.get("include_usage"):
        return body, False
    return orjson.dumps({**asked, "stream_options": {**options, "include_usage": True}}), True


class Withheld:
    """A stream's bytes, event by event, without the one that only counts."""

    def __init__(self) -> None:
        self._rest = b""

    def pass_on(self, piece: bytes) -> bytes:
        """What of it the client may have now; half an event waits for its other half."""
        data = self._rest + piece
        end = max(data.rfind(mark) + len(mark) if mark in data else 0 for mark in _ENDS)
        whole, self._rest = data[:end], data[end:]
        if not _USAGE.search(whole):
            return whole
        return b"".join(event for event in _BETWEEN.split(whole) if not _USAGE.search(event))

    def last(self) -> bytes:
        """Half an event of a stream that broke off."""
        return self._rest
