"""Which tokens a grammar lets an answer go on with."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from llguidance import LLMatcher
    from numpy.typing import NDArray


class GrammarMask:
    """One answer's place in its grammar. Where the grammar may end stop tokens are allowed, and after it only these."""

    def __init__(self, matcher: LLMatcher, *, tokens: int, vocabulary: int) -> None:
        self._matcher = matcher
        # The library writes a bit for each of its `tokens`, which may be more than the model has logits.
        self._bits = np.zeros(_words(tokens), dtype=np.int32)
        self._seen = self._bits[: _words(vocabulary)]

    def bits(self) -> NDArray[np.int32]:
        """One bit a token, [ceil(vocabulary / 32)], the lowest first; the same array at each call.

        No token is allowed when the grammar has become too complex to be followed: the library would end the answer,
        which then looked as if it were complete.
        """
        self._matcher.unsafe_compute_mask_ptr(self._bits.ctypes.data, self._bits.nbytes)
        if self._matcher.is_error():
            self._bits.fill(0)
        return self._seen

    def accept(self, token_id: int) -> None:
        """The token that came; after one that was not allowed none is any more."""
        self._matcher.consume_token(token_id)


def _words(tokens: int) -> int:
    return -(-tokens // 32)
