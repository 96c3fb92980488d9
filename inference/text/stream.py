"""The text of one answer while it grows: characters whole, stop strings held back."""

from __future__ import annotations

from collections.abc import Sequence

from inference.text.detokenizer import Decode, Detokenizer
from inference.text.stop_strings import StopStrings


class TextStream:
    """Tokens in, text to show out."""

    def __init__(self, decode: Decode, stops: Sequence[str] = (), *, include_stop: bool = False) -> None:
        self._detokenizer = Detokenizer(decode)
        self._stops = StopStrings(stops, include=include_stop)

    def go_on_after(self, token_ids: Sequence[int]) -> None:
        """Before the first token: its text follows the text of these."""
        self._detokenizer.go_on_after(token_ids)

    @property
    def stopped_by(self) -> str | None:
        """The stop string that has come."""
        return self._stops.matched

    def push(self, token_id: int, *, watch: bool = True) -> str:
        """What this token lets us show; without `watch` no stop string ends in it."""
        return self._stops.push(self._detokenizer.push(token_id), watch=watch)

    def finish(self) -> str:
        """What still waited, once no token can follow; a stop string may be found in it."""
        return self._stops.push(self._detokenizer.flush()) + self._stops.flush()
