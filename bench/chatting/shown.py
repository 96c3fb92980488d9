"""What a page shows of one answer, and whether that is what was asked for."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

_TAG = re.compile(r"<[^>]*>")
_RAW = re.compile(r'<div class="raw" hidden>(.*?)</div>', re.DOTALL)


@dataclass(slots=True)
class Shown:
    """As the websocket's messages change it; `words` counts those that were seen."""

    finished: list[str] = field(default_factory=list)
    open: str = ""
    tail: str = ""
    words: int = 0

    def hear(self, message: Mapping[str, Any]) -> list[str]:
        """The words that a message brings."""
        if message["type"] == "text":
            self.tail += message["text"]
            fresh = message["text"].split()
        else:
            self.finished[message["first"] :] = message["finished"]
            self.open, self.tail = message["open"], message["tail"]
            fresh = self.text.split()[self.words :]
        self.words += len(fresh)
        return fresh

    @property
    def text(self) -> str:
        """Without its HTML."""
        return html.unescape(_TAG.sub("", "".join([*self.finished, self.open]))) + self.tail


def kept(turn: str) -> str:
    """The text that a whole turn was made of."""
    found = _RAW.search(turn)
    return html.unescape(found[1]) if found else ""


def same(asked: Sequence[str], said: Sequence[str]) -> bool:
    """Whether these are the words of the question."""
    return list(said) == list(asked)


def moments(asked: Sequence[str], said: Sequence[str]) -> bool:
    """Whether these are as many moments as the question has words, one after the other."""
    return len(said) == len(asked) and all(int(one) <= int(other) for one, other in pairwise(said))
