"""The key-value cache's blocks: who holds them, and which of them hold the beginning of a text that may come again.

A block holds the keys and values of `size` tokens. Full blocks are remembered under the block before them and their
tokens, so that a prompt finds the longest beginning that was computed before. What nobody holds stays until its
place is needed, the longest unused first.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

BLOCK_SIZE = 16
# What the first block of a text is remembered under.
ROOT = 0


class _Key(NamedTuple):
    parent: int
    tokens: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Match:
    """The blocks that hold a text's beginning; `node` is what the next block is remembered under."""

    blocks: tuple[int, ...]
    node: int


class BlockPool:
    """A fixed number of blocks, counted by reference."""

    def __init__(self, count: int, *, size: int = BLOCK_SIZE, remembers: bool = True) -> None:
        self.count = count
        self.size = size
        self._remembers = remembers
        self._holders = [0] * count
        self._free = deque(range(count))
        self._unused: OrderedDict[int, None] = OrderedDict()
        self._known: dict[_Key, tuple[int, int]] = {}
        self._keys: dict[int, _Key] = {}
        self._last_node = ROOT

    @property
    def available(self) -> int:
        """How many blocks could be allocated now."""
        return len(self._free) + len(self._unused)

    @property
    def held(self) -> int:
        """How many blocks sequences hold."""
        return self.count - self.available

    def match(self, tokens: Sequence[int]) -> Match:
        """The longest remembered beginning of a text in whole blocks, its last token left out: that is computed."""
        blocks: list[int] = []
        node = ROOT
        for start in range(0, (len(tokens) - 1) // self.size * self.size, self.size):
            known = self._known.get(_Key(node, tuple(tokens[start : start + self.size])))
            if known is None:
                break
            blocks.append(known[0])
            node = known[1]
        return Match(tuple(blocks), node)

    def unheld(self, blocks: Iterable[int]) -> int:
        """How many of these nobody holds."""
        return sum(self._holders[block] == 0 for block in blocks)

    def hold(self, blocks: Iterable[int]) -> None:
        """One more holder for blocks that a match found."""
        for block in blocks:
            self._holders[block] += 1
            self._unused.pop(block, None)

    def allocate(self) -> int | None:
        """A block for new content; None when all are held."""
        if self._free:
            block = self._free.popleft()
        elif self._unused:
            block, _ = self._unused.popitem(last=False)
            del self._known[self._keys.pop(block)]
        else:
            return None
        self._holders[block] = 1
        return block

    def release(self, blocks: Sequence[int]) -> None:
        """One holder less. The end of a text is forgotten before its beginning."""
        for block in reversed(blocks):
            self._holders[block] -= 1
            if self._holders[block]:
                continue
            if block in self._keys:
                self._unused[block] = None
            else:
                self._free.append(block)

    def remember(self, block: int, tokens: Sequence[int], node: int) -> int:
        """Note that a held block is full of these tokens; the node for the next one. Texts known already stay."""
        if not self._remembers:
            return node
        key = _Key(node, tuple(tokens))
        known = self._known.get(key)
        if known is not None:
            return known[1]
        self._last_node += 1
        self._known[key] = (block, self._last_node)
        self._keys[block] = key
        return self._last_node
