"""The chunks of a step as arrays that the kernels read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from inference.batching.track import Chunk
from inference.engines.transformers.native import library

Ints = np.ndarray[Any, np.dtype[np.int32]]


class Rows:
    """The chunks of a step side by side. It has to live as long as the kernels read from it."""

    def __init__(self, chunks: Sequence[Chunk]) -> None:
        lengths = [len(chunk.token_ids) for chunk in chunks]
        starts = np.cumsum([0, *lengths[:-1]])
        self.tokens = _joined([chunk.token_ids for chunk in chunks])
        self.position = _joined([range(c.start, c.start + n) for c, n in zip(chunks, lengths, strict=True)])
        self.sequence: Ints = np.repeat(np.arange(len(chunks), dtype=np.int32), lengths)
        self.blocks: Ints = np.zeros((len(chunks), max(len(chunk.blocks) for chunk in chunks)), dtype=np.int32)
        for line, chunk in zip(self.blocks, chunks, strict=True):
            line[: len(chunk.blocks)] = chunk.blocks
        self.places = library.Places(
            self.sequence.ctypes.data,
            self.position.ctypes.data,
            self.blocks.ctypes.data,
            len(self.tokens),
            self.blocks.shape[1],
        )
        wanted = [range(s + c.first_result, s + n) for s, c, n in zip(starts, chunks, lengths, strict=True)]
        self.wanted = _joined(wanted)


def _joined(parts: Iterable[Sequence[int]]) -> Ints:
    return np.concatenate([np.asarray(part, dtype=np.int32) for part in parts])
