"""Asks another server to say with each event what a stream took so far, and shows the client what the client asked for.

What a stream took is then known wherever it is left: of one that is stopped the prompt is counted too.
"""

from __future__ import annotations

import re
from typing import Any

import orjson

from inference.server.foreign_errors import EVENT, in_our_envelope

_ENDS = b"\n\n", b"\r\n\r\n"
_BETWEEN = re.compile(rb"(?<=\n\n)|(?<=\r\n\r\n)")
# No text of a model can look like one of these: its quotes are escaped.
_FINAL = re.compile(rb'"choices":\s*\[\]')
_RUNNING = re.compile(rb',\s*"usage":\s*(?:null|\{[^{}]*(?:\{[^{}]*\}[^{}]*)*\})')
_ALL = {"include_usage": True, "continuous_usage_stats": True}


def wanted(asked: dict[str, Any], body: bytes) -> tuple[bytes, Shown | None]:
    """The body with usage asked for, and what the client then sees; None where it gets all that the server says."""
    options = asked.get("stream_options") or {}
    if not asked.get("stream") or not isinstance(options, dict):
        return body, None
    final = bool(options.get("include_usage"))
    running = final and bool(options.get("continuous_usage_stats"))
    return orjson.dumps({**asked, "stream_options": {**options, **_ALL}}), Shown(final=final, running=running)


class Shown:
    """A stream's bytes, event by event, with the usage at its end or in each event only where that was asked for."""

    def __init__(self, *, final: bool, running: bool) -> None:
        self._final = final
        self._running = running
        self._rest = b""

    def pass_on(self, piece: bytes) -> bytes:
        """What of it the client may have now; half an event waits for its other half."""
        data = self._rest + piece if self._rest else piece
        end = max(data.rfind(mark) + len(mark) if mark in data else 0 for mark in _ENDS)
        whole, self._rest = data[:end], data[end:]
        if b'data: {"error"' in whole:
            whole = EVENT.sub(_translated, whole)
        if self._running or b'"usage"' not in whole:
            return whole
        if not _FINAL.search(whole):
            return _RUNNING.sub(b"", whole)
        return b"".join(map(self._event, _BETWEEN.split(whole)))

    def last(self) -> bytes:
        """Half an event of a stream that broke off."""
        return self._rest

    def _event(self, event: bytes) -> bytes:
        if _FINAL.search(event):
            return event if self._final else b""
        return _RUNNING.sub(b"", event)


def _translated(error: re.Match[bytes]) -> bytes:
    return b"data: " + in_our_envelope(error[1])
