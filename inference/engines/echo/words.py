"""A tokenizer without a vocabulary: a token is a word with the space before it, and its id is made of its letters.

So any text round-trips, and nothing has to be remembered. A word that does not fit into an id is several tokens. Ids
are below 2**53, which all that reads JSON can hold, and above 2**32, where no client's real tokenizer has any.
"""

from __future__ import annotations

import functools
import hashlib
import itertools
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

# Eight letters of six bits, or six bytes of UTF-8; a bit says which, and above them stands how many they are.
_LETTERS = " .0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_NUMBERS = {letter: number for number, letter in enumerate(_LETTERS)}
_LETTER_BITS, _COUNT_AT = 6, 48
_OF_LETTERS, _OF_BYTES = 1 << 51, 1 << 52
_MOST_LETTERS, _MOST_BYTES = 8, 6
_ROLE_MARKS = {"system": 1, "user": 2, "assistant": 3, "tool": 4}
_OTHER_ROLE = 5
# The stop token: no prompt can have it.
END = -1

_WORD = re.compile(r"\s*\S+|\s+")
# The parts of a word that does not fit: none of them is more than six bytes, or eight letters.
_PART = re.compile(r"[ .0-9A-Za-z]{1,8}|[\x00-\x7f]{1,6}|[\x80-\uffff]{1,2}|.", re.DOTALL)


def encode(text: str) -> tuple[int, ...]:
    """The ids of a text's words."""
    return tuple(itertools.chain.from_iterable(map(_ids, _WORD.findall(text))))


@functools.lru_cache(maxsize=4096)
def _ids(word: str) -> tuple[int, ...]:
    whole = _id(word)
    return (whole,) if whole else tuple(map(_id, _PART.findall(word)))


def _id(word: str) -> int:
    """0 for a word that does not fit."""
    if len(word) <= _MOST_LETTERS and all(letter in _NUMBERS for letter in word):
        packed = 0
        for letter in word:
            packed = packed << _LETTER_BITS | _NUMBERS[letter]
        return _OF_LETTERS | (len(word) - 1) << _COUNT_AT | packed
    raw = word.encode()
    return 0 if len(raw) > _MOST_BYTES else _OF_BYTES | len(raw) << _COUNT_AT | int.from_bytes(raw)


def encode_messages(messages: Iterable[Mapping[str, Any]]) -> tuple[int, ...]:
    """A chat: before each message the mark of its role."""
    parts = ((_ROLE_MARKS.get(m["role"], _OTHER_ROLE), *encode(m["content"])) for m in messages)
    return tuple(itertools.chain.from_iterable(parts))


@functools.lru_cache(maxsize=4096)
def decode(token_id: int) -> str:
    """A word's text; an id that no word has shows as a number, so that any prompt of ids can be echoed."""
    count, packed = token_id >> _COUNT_AT & 7, token_id & (1 << _COUNT_AT) - 1
    if token_id >> 51 == 1 and packed >> _LETTER_BITS * (count + 1) == 0:
        return "".join(_LETTERS[packed >> _LETTER_BITS * place & 63] for place in range(count, -1, -1))
    if token_id >> 51 == 2 and 0 < count <= _MOST_BYTES and packed >> 8 * count == 0:
        return packed.to_bytes(count).decode(errors="replace")
    return f" {token_id}"


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


def words_left(token_ids: Sequence[int]) -> list[str]:
    """Those that the open answer at the end of a chat does not have yet; all, when it says something else."""
    begin = max(at for at, token_id in enumerate(token_ids) if token_id == _ROLE_MARKS["assistant"])
    said = "".join(map(decode, token_ids[begin + 1 :]))
    question = "".join(words_to_echo(token_ids[:begin]))
    return list(map(decode, encode(question.removeprefix(said))))


def unit_vector(key: bytes, dimensions: int) -> list[float]:
    """A vector of length one that depends on `key` alone."""
    raw = hashlib.shake_256(key).digest(2 * dimensions)
    values = [int.from_bytes(raw[i : i + 2]) / 32767.5 - 1.0 for i in range(0, len(raw), 2)]
    length = math.sqrt(sum(value * value for value in values))
    return [value / length for value in values]
