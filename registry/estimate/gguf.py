"""The head of a GGUF file: its keys and the shapes of its tensors. No library: agents read it in milliseconds."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any, BinaryIO

MAGIC = b"GGUF"
VERSIONS = (2, 3)
MOST = 1_000_000  # keys, tensors or dimensions that a sane file has
SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
STRING, ARRAY = 8, 9

Tensors = dict[str, tuple[int, ...]]


def read_head(path: Path) -> tuple[dict[str, Any], Tensors]:
    """The keys (of a vocabulary its length) and each tensor's shape. Raises `ValueError` for a broken file."""
    with path.open("rb") as file:
        try:
            return _Reader(file).head()
        except (struct.error, UnicodeDecodeError, OverflowError, MemoryError) as error:
            raise ValueError("it is not a whole GGUF file") from error


class _Reader:
    """Reads values one after the other; little-endian, as all files in use are."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def head(self) -> tuple[dict[str, Any], Tensors]:
        if self._file.read(4) != MAGIC:
            raise ValueError("it does not begin with 'GGUF'")
        version = self._number("I")
        if version not in VERSIONS:
            raise ValueError(f"version {version} of the format is not known")
        tensors, keys = self._count(), self._count()
        found = {self._string(): self._value(self._number("I")) for _ in range(keys)}
        return found, dict(self._tensor() for _ in range(tensors))

    def _tensor(self) -> tuple[str, tuple[int, ...]]:
        name = self._string()
        shape = tuple(self._number("Q") for _ in range(self._count("I")))
        self._file.seek(12, 1)  # type and offset
        return name, shape

    def _value(self, kind: int) -> Any:
        if kind == STRING:
            return self._string()
        if kind == ARRAY:
            return self._skip_array()
        if kind not in SCALARS:
            raise ValueError(f"a key has the unknown type {kind}")
        return self._number(SCALARS[kind])

    def _skip_array(self) -> int | None:
        """Of a vocabulary its length matters, of other arrays nothing."""
        kind, length = self._number("I"), self._number("Q")
        if kind == STRING:
            for _ in range(length):
                self._take(self._length())  # faster than a seek, which throws the buffer away
        elif kind in SCALARS:
            self._file.seek(length * struct.calcsize(SCALARS[kind]), 1)
        else:
            raise ValueError(f"a key has the unknown type {kind}")
        return int(length) if kind == STRING else None

    def _string(self) -> str:
        return self._take(self._length()).decode()

    def _length(self) -> int:
        length = self._number("Q")
        if length > 1 << 30:
            raise ValueError("a text in it is impossibly long")
        return int(length)

    def _count(self, kind: str = "Q") -> int:
        count = self._number(kind)
        if count > MOST:
            raise ValueError(f"it claims to have {count:,} entries")
        return int(count)

    def _number(self, kind: str) -> Any:
        (value,) = struct.unpack(f"<{kind}", self._take(struct.calcsize(f"<{kind}")))
        return value

    def _take(self, size: int) -> bytes:
        taken = self._file.read(size)
        if len(taken) < size:
            raise ValueError("it is cut off")
        return taken
