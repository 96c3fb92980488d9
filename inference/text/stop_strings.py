"""Stop strings: found wherever tokens cut them, by the automaton of Knuth, Morris and Pratt, and not shown."""

from __future__ import annotations

from collections.abc import Sequence


class StopStrings:
    """Text goes in as it comes; text that cannot be part of a stop string any more comes out.

    The stop string that is complete first ends the text, of several that end together the longest: so it makes no
    difference how the text was cut. `include` shows it too.
    """

    def __init__(self, stops: Sequence[str], *, include: bool = False) -> None:
        # The longest first.
        self._stops = sorted({stop for stop in stops if stop}, key=len, reverse=True)
        self._borders = [_borders(stop) for stop in self._stops]
        self._beginnings = frozenset(stop[0] for stop in self._stops)
        # How many characters of each stop string the text ends with; what is held back is the longest of these.
        self._reached = [0] * len(self._stops)
        self._held = ""
        self._include = include
        self.matched: str | None = None

    def push(self, text: str, *, watch: bool = True) -> str:
        """What may be shown. Once `matched` is set, all before the stop string is out and nothing follows.

        Without `watch`, stop strings that end in this text do not count; one that only begins there does.
        """
        if self.matched is not None:
            return ""
        if not self._held and self._beginnings.isdisjoint(text):
            return text
        for end, character in enumerate(text, 1):
            complete = self._advance(character)
            if complete is not None and watch:
                self.matched = complete
                shown, self._held = self._held + text[:end], ""
                return shown if self._include else shown[: len(shown) - len(complete)]
        self._held += text
        return self._release(len(self._held) - max(self._reached))

    def flush(self) -> str:
        """What was held back for a stop string that will not come."""
        return self._release(len(self._held))

    def _release(self, length: int) -> str:
        shown, self._held = self._held[:length], self._held[length:]
        return shown

    def _advance(self, character: str) -> str | None:
        """Follow one more character; the longest stop string that it completes."""
        complete = None
        for index, stop in enumerate(self._stops):
            reached, borders = self._reached[index], self._borders[index]
            while reached and stop[reached] != character:
                reached = borders[reached - 1]
            reached += stop[reached] == character
            if reached == len(stop):
                complete = complete or stop
                reached = borders[-1]
            self._reached[index] = reached
        return complete


def _borders(stop: str) -> list[int]:
    """For each beginning of a stop string: the length of the longest shorter beginning that it ends with."""
    borders, length = [0], 0
    for character in stop[1:]:
        while length and stop[length] != character:
            length = borders[length - 1]
        length += stop[length] == character
        borders.append(length)
    return borders
