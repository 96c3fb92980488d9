"""A sequence as the scheduler sees it: its tokens, and how many of them are in the cache."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from inference.batching.blocks import ROOT


@dataclass(frozen=True, slots=True)
class Chunk:
    """Tokens that go through the model in one step, from position `start` on, and the blocks of their sequence.

    Logits are wanted of its tokens from index `first_result` on; that is its length when none are.
    """

    token_ids: Sequence[int]
    start: int
    blocks: Sequence[int]
    first_result: int

    @property
    def results(self) -> int:
        """How many rows of logits it asks for."""
        return len(self.token_ids) - self.first_result


@dataclass(eq=False, slots=True)
class Track:
    """The tokens of a sequence, prompt and answer. `scored` counts prompt tokens whose logits are still to be seen.

    `computed` tokens are in the cache. `wants_prompt` asks for the logits of every token of the prompt, not only of the
    last.
    """

    tokens: list[int]
    wants_prompt: bool = False
    computed: int = 0
    cached: int = 0
    scored: int = 0
    blocks: list[int] = field(default_factory=list)
    node: int = ROOT
    remembered: int = 0

    @property
    def pending(self) -> int:
        """How many tokens are not in the cache yet: one while it decodes, more for a prompt."""
        return len(self.tokens) - self.computed

    @property
    def first_wanted(self) -> int:
        """The position of the first token whose logits are wanted."""
        return self.scored if self.wants_prompt else len(self.tokens) - 1

    def chunk(self, count: int) -> Chunk:
        """The next `count` tokens."""
        end = self.computed + count
        first = min(count, max(0, self.first_wanted - self.computed))
        return Chunk(self.tokens[self.computed : end], self.computed, self.blocks, first)
