"""Who answered a conversation last: its beginning is likely in that replica's cache."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

import orjson

# Boundaries kept: some 100 bytes each.
MOST_REMEMBERED = 32_768
# Boundaries of one request: the newest of a chat's, the first of a long prompt's.
MOST_OF_ONE = 32
# Characters of a completion's prompt between two boundaries.
STEP = 512
# Who says these says the same to everybody: what only begins alike is no conversation.
INSTRUCTIONS = frozenset({"system", "developer"})


def boundaries(model: str, body: Mapping[str, Any]) -> tuple[int, ...]:
    """Where a conversation can be taken up again: a hash of everything up to there, the shortest first.

    Python's own hashes, salted for each process: nobody outside can make two conversations meet.
    """
    prompt = body.get("prompt")
    if isinstance(prompt, str):
        return _of_prompt(hash((model, "prompt")), prompt)
    messages = body.get("messages")
    return _of_messages(hash((model, "chat")), messages) if isinstance(messages, list) else ()


def _of_messages(state: int, messages: Sequence[Any]) -> tuple[int, ...]:
    found, spoken = [], False
    for message in messages:
        state = hash((state, orjson.dumps(message)))
        spoken = spoken or not (isinstance(message, dict) and message.get("role") in INSTRUCTIONS)
        if spoken:
            found.append(state)
    return tuple(found[-MOST_OF_ONE:])


def _of_prompt(state: int, prompt: str) -> tuple[int, ...]:
    found = []
    for end in range(STEP, min(len(prompt), STEP * MOST_OF_ONE) + 1, STEP):
        state = hash((state, prompt[end - STEP : end]))
        found.append(state)
    return tuple(found)


class Affinity:
    """The newest boundaries and the launches that have them, least recently used out first."""

    def __init__(self, most: int = MOST_REMEMBERED) -> None:
        self._most = most
        self._known: OrderedDict[int, UUID] = OrderedDict()

    def __len__(self) -> int:
        return len(self._known)

    def find(self, marks: Sequence[int], among: Collection[UUID]) -> UUID | None:
        """The launch, of those that are there, that has the longest beginning of this request."""
        for mark in reversed(marks):
            if (launch_id := self._known.get(mark)) in among:
                return launch_id
        return None

    def note(self, marks: Sequence[int], launch_id: UUID) -> None:
        """The launch answers a request with these boundaries."""
        for mark in marks:
            self._known[mark] = launch_id
            self._known.move_to_end(mark)
        while len(self._known) > self._most:
            self._known.popitem(last=False)
