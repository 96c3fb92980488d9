"""Which tokens a sequence has, and how often it has generated each."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray


class Occurrences:
    """Grows by a token at a time: nothing is built anew for the next step."""

    def __init__(self, prompt_ids: Iterable[int] = ()) -> None:
        self._places = {token_id: place for place, token_id in enumerate(dict.fromkeys(prompt_ids))}
        size = max(64, 2 * len(self._places))
        self._ids = np.zeros(size, dtype=np.int64)
        self._counts = np.zeros(size, dtype=np.float32)
        self._ids[: len(self._places)] = list(self._places)

    @property
    def ids(self) -> NDArray[np.int64]:
        """The tokens, each once."""
        return self._ids[: len(self._places)]

    @property
    def counts(self) -> NDArray[np.float32]:
        """How often each of `ids` was generated: 0 for one that only the prompt has."""
        return self._counts[: len(self._places)]

    def add(self, token_id: int) -> None:
        """A token was generated."""
        place = self._places.setdefault(token_id, len(self._places))
        if place == len(self._ids):
            # Twice as many places.
            self._ids = np.concatenate([self._ids, np.zeros_like(self._ids)])
            self._counts = np.concatenate([self._counts, np.zeros_like(self._counts)])
        self._ids[place] = token_id
        self._counts[place] += 1
