"""The text of one answer while it grows: characters whole, stop strings held back."""

from __future__ import annotations

from collections.abc import Sequence

from inference.text.detokenizer import Decode, Detokenizer
from inference.text.stop_strings import StopStrings


class TextStream:
    """Tokens in, text to show out."""

    def __init__(self, decode: Decode, stops: Sequence[str] = ()) -> None:
        self._detokenizer = Detokenizer(decode)
        self._stops = StopStrings(stops)

    @property
    def stopped(self) -> bool:
        """Whether a stop string has come."""
        return self._stops.matched is not None

    def push(self, token_id: int) -> str:
        """What this token lets us show."""
        return self._stops.push(self._detokenizer.push(token_id))

    def finish(self) -> str:
        """What still waited, once no token can follow; a stop string may be found in it."""
        shown = self._stops.push(self._detokenizer.flush())
        return shown if self.stopped else shown + self._stops.flush()
