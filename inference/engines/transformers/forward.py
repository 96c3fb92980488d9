"""What the decode loop needs of a model: chunks of tokens in, logits out; the keys and values stay behind it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from torch import Tensor

from inference.batching.track import Chunk


class Forward(Protocol):
    """A way through a model, with a key-value cache of a fixed number of blocks."""

    vocabulary: int

    def step(self, chunks: Sequence[Chunk]) -> Tensor:
        """The logits [results of all chunks, vocabulary] after the tokens that ask for them, in order.

        They are read before the next step, which may overwrite them.
        """

    def hidden(self, token_ids: Sequence[int]) -> Tensor:
        """The hidden states [tokens, width] of a text after the last norm, as float; the cache is not touched."""

    def retain(self, first_blocks: Iterable[int]) -> None:
        """Forget what does not belong to a running sequence; these are the first blocks of those that run."""
