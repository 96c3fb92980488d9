"""An answer while it grows: finished blocks are rendered once, the open ones again."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate, pairwise

from pages.prose.markdown import blocks
from pages.prose.math import LONGEST

FENCE = re.compile(r"\s*(```|~~~)")


@dataclass(frozen=True, slots=True)
class Update:
    """`finished` blocks since the last update, the `open` rest, and the number of characters that all of it covers.

    `joint`: the white space before the next word, which goes on in the last block. None: it begins another one.
    """

    finished: tuple[str, ...]
    open: str
    covers: int
    joint: str | None = None


@dataclass(slots=True)
class Prose:
    """The text of one answer, and how much of it cannot change any more."""

    text: str = ""
    finished: list[str] = field(default_factory=list)
    _open_from: int = 0

    def append(self, text: str) -> None:
        """More of it came. A carriage return says nothing that the line's end does not."""
        self.text += text.replace("\r", "")

    def update(self) -> Update:
        """What changed since the last call; takes time for the open blocks alone."""
        text = self.text  # as it is now: more may come from another thread
        tail = text[self._open_from :]
        found = blocks(tail)
        bounds = [*_offsets(tail, [line for line, _ in found]), len(tail)]
        sources = [tail[begin:end] for begin, end in pairwise(bounds)]
        sure = _surely_finished(sources)
        fresh = tuple(html for _, html in found[:sure])
        self._open_from += bounds[sure] if sure else 0
        self.finished += fresh
        rest = sources[-1] if len(sources) > sure else ""
        return Update(fresh, "".join(html for _, html in found[sure:]), len(text), _joint(rest))


def _surely_finished(sources: Sequence[str]) -> int:
    """How many blocks stay as they are whatever comes: another one has begun after them, with a whole first line."""
    begun = [place for place, source in enumerate(sources) if "\n" in source.lstrip("\n")]
    last = begun[-1] if begun else 0
    return next((place for place in range(last) if _half_a_formula(sources[place])), last)


def _half_a_formula(source: str) -> bool:
    """An empty line inside a formula looks like the end of a paragraph until the formula is closed."""
    if len(source) > LONGEST:
        return False
    start = source.lstrip()
    return (start.startswith("$$") and start.count("$$") < 2) or (start.startswith("\\[") and "\\]" not in start)


def _joint(source: str) -> str | None:
    """How the next word is joined to a block, as far as can be known before it is there."""
    text = source.rstrip()
    if fence := FENCE.match(source):
        last = text.rpartition("\n")[2].strip()
        return None if "\n" in text and not last.strip(fence[1][0]) else ""
    space = source[len(text) :]
    ends = "\n" if text.lstrip().startswith("#") else "\n\n"
    return space if text and ends not in space else None


def _offsets(text: str, lines: Sequence[int]) -> list[int]:
    """Where these lines begin, in characters."""
    begins = [0, *accumulate(len(line) + 1 for line in text.split("\n"))]
    return [begins[line] for line in lines]
