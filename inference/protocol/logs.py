"""A piece of a log: what a worker serves of its own, and how any file is cut into such pieces."""

from __future__ import annotations

import codecs
from itertools import takewhile
from typing import BinaryIO, TypedDict

# Bytes. One character of UTF-8 has at most four, so less could never bring anything.
SMALLEST, LARGEST = 4, 1_000_000


class LogPiece(TypedDict):
    """Bytes `start` to `end` (exclusive) of a log that has `size` now. Whoever reads on asks for `end`."""

    start: int
    end: int
    size: int
    text: str


def read_piece(file: BinaryIO, start: int, limit: int = LARGEST) -> LogPiece:
    """Whole characters from `start` on, which counts from the end when it is negative."""
    size = file.seek(0, 2)
    begin = min(size, start) if start >= 0 else max(0, size + start)
    file.seek(begin)
    # Not beyond `size`: a file that grows meanwhile would otherwise end after it.
    data = file.read(max(0, min(limit, LARGEST, size - begin)))
    skipped = _continuation(data) if begin else 0
    text, length = _decoded(data[skipped:])
    return LogPiece(start=begin + skipped, end=begin + skipped + length, size=size, text=text)


def _continuation(data: bytes) -> int:
    """Bytes of a character that began before this piece."""
    return sum(1 for _ in takewhile(lambda byte: byte & 0xC0 == 0x80, data[:3]))


def _decoded(data: bytes) -> tuple[str, int]:
    """Text, and of how many bytes it is: a character whose end is still missing is left for the next piece."""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    text = decoder.decode(data)
    return text, len(data) - len(decoder.getstate()[0])
