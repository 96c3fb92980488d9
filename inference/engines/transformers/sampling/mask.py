"""What a grammar lets an answer go on with."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class TokenMask(Protocol):
    """The tokens that may come next, kept up to date with those that came. It allows stop tokens itself."""

    def bits(self) -> NDArray[np.int32] | None:
        """One bit a token, [ceil(vocabulary / 32)], the lowest bit first; None when every token may come."""

    def accept(self, token_id: int) -> None:
        """The token that came. Not called for the stop token that ends the answer."""
