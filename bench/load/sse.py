"""Server-sent events: https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

_LINE_END = re.compile(rb"\r\n|\n|\r")


@dataclass(frozen=True, slots=True)
class Event:
    """`at`: when the piece came that ended it."""

    at: float
    data: bytes
    name: str = "message"


def events(pieces: Iterable[tuple[float, bytes]]) -> Iterator[Event]:
    """The events of a body that came in pieces. One that was not ended is none, as the standard wants it."""
    name, data = "message", list[bytes]()
    for at, line in _lines(pieces):
        if not line:
            if data:
                yield Event(at, b"\n".join(data), name)
            name, data = "message", []
            continue
        key, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if key == b"data":
            data.append(value)
        elif key == b"event":
            name = value.decode(errors="replace")


def _lines(pieces: Iterable[tuple[float, bytes]]) -> Iterator[tuple[float, bytes]]:
    rest = b""
    for at, piece in pieces:
        text = rest + piece
        # A carriage return at the end may be the first half of a line's end.
        held = b"\r" if text.endswith(b"\r") else b""
        *lines, last = _LINE_END.split(text.removesuffix(held) if held else text)
        rest = last + held
        for line in lines:
            yield at, line
