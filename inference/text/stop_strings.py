"""Stop strings: found wherever tokens cut them, and never shown."""

from __future__ import annotations

from collections.abc import Sequence


class StopStrings:
    """Text goes in as it comes; text that cannot be part of a stop string any more comes out."""

    def __init__(self, stops: Sequence[str]) -> None:
        self._stops = tuple(stop for stop in stops if stop)
        self._held = ""
        self.matched: str | None = None

    def push(self, text: str) -> str:
        """What may be shown. Once `matched` is set, all before the stop string is out and nothing follows."""
        if self.matched is not None:
            return ""
        self._held += text
        found = self._first_match()
        if found is not None:
            at, self.matched = found
            shown, self._held = self._held[:at], ""
            return shown
        return self._release(len(self._held) - self._open_length())

    def flush(self) -> str:
        """What was held back for a stop string that will not come."""
        return self._release(len(self._held))

    def _release(self, length: int) -> str:
        shown, self._held = self._held[:length], self._held[length:]
        return shown

    def _first_match(self) -> tuple[int, str] | None:
        places = [(self._held.find(stop), stop) for stop in self._stops]
        return min((place for place in places if place[0] >= 0), key=lambda place: place[0], default=None)

    def _open_length(self) -> int:
        """The length of the longest end of the held text that could be the beginning of a stop string."""
        longest = max((len(stop) for stop in self._stops), default=1) - 1
        for length in range(min(longest, len(self._held)), 0, -1):
            if any(stop.startswith(self._held[-length:]) for stop in self._stops):
                return length
        return 0
