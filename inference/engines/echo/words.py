"""A tokenizer without a vocabulary: a token is a word with the space before it, and its id is made of its bytes.

So any text round-trips, nothing has to be remembered, and a million different words cost no memory.
"""

from __future__ import annotations

import hashlib
import itertools
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

# Before a word's bytes, so that its id is above 2**32, where no client's real tokenizer has any.
_PREFIX = b"echo"
_ROLE_MARKS = {"system": 1, "user": 2, "assistant": 3, "tool": 4}
_OTHER_ROLE = 5
# The stop token: no prompt can have it.
END = -1

# A longer word is several tokens: Python writes no integer of more than 4,300 digits.
_WORD = re.compile(r"\s{0,64}\S{1,256}|\s{1,64}")


def encode(text: str) -> tuple[int, ...]:
    """The ids of a text's words."""
    return tuple(int.from_bytes(_PREFIX + word.encode()) for word in _WORD.findall(text))


def encode_messages(messages: Iterable[Mapping[str, Any]]) -> tuple[int, ...]:
    """A chat: before each message the mark of its role."""
    parts = ((_ROLE_MARKS.get(m["role"], _OTHER_ROLE), *encode(m["content"])) for m in messages)
    return tuple(itertools.chain.from_iterable(parts))


def decode(token_id: int) -> str:
    """A word's text; an id that no word has shows as a number, so that any prompt of ids can be echoed."""
    raw = token_id.to_bytes((token_id.bit_length() + 7) // 8)
    if not raw.startswith(_PREFIX):
        return f" {token_id}"
    return raw.removeprefix(_PREFIX).decode(errors="replace")


def words_to_echo(token_ids: Sequence[int]) -> list[str]:
    """The words of the last user message; of a prompt without any, all words."""
    words: list[int] = []
    speaking = True
    for token_id in token_ids:
        if _ROLE_MARKS["system"] <= token_id <= _OTHER_ROLE:
            speaking = token_id == _ROLE_MARKS["user"]
            words = [] if speaking else words
        elif speaking:
            words.append(token_id)
    return [decode(token_id) for token_id in words]


def unit_vector(key: bytes, dimensions: int) -> list[float]:
    """A vector of length one that depends on `key` alone."""
    raw = hashlib.shake_256(key).digest(2 * dimensions)
    values = [int.from_bytes(raw[i : i + 2]) / 32767.5 - 1.0 for i in range(0, len(raw), 2)]
    length = math.sqrt(sum(value * value for value in values))
    return [value / length for value in values]
