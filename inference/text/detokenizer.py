"""Text from tokens as they come, without ever splitting a character or decoding the whole text again."""

from __future__ import annotations

from collections.abc import Callable, Sequence

Decode = Callable[[Sequence[int]], str]

# What decoders put in the place of bytes that are not (yet) valid UTF-8.
_REPLACEMENT = "\ufffd"
# A character has at most four bytes, so at most three can wait for the rest of theirs.
_MOST_INCOMPLETE = 3
# Tokens of pure garbage (a run that never becomes valid) may not make the window grow for ever.
_LONGEST_WAIT = 32
# The tokens kept before the window when it has grown too long: more than any single character needs.
_KEPT = 8


class Detokenizer:
    """The text that each token adds.

    Tokens are decoded in a window: the tokens of the last emission (the context that decides, say, whether a space
    leads) and those after it. What the window shows beyond the text already emitted is new; a trailing replacement
    character may be the start of a character whose other bytes are in the next token, so it waits.
    """

    def __init__(self, decode: Decode) -> None:
        self._decode = decode
        self._window: list[int] = []
        self._context = 0  # how many tokens of the window were decoded when it last ended cleanly
        self._emitted = 0  # how many characters of the window's text are out

    def go_on_after(self, token_ids: Sequence[int]) -> None:
        """Take these as the context of what comes: many decoders drop the space before a text's first word."""
        window = list(token_ids[-_KEPT:])
        # The rest of a character whose beginning is not in the window would spoil the run of bytes that follows it.
        while self._decode(window).startswith(_REPLACEMENT):
            window.pop(0)
        self._move_window(window, held=0)

    def push(self, token_id: int) -> str:
        """What can be shown now that this token is there: maybe nothing."""
        self._window.append(token_id)
        text = self._decode(self._window)
        waiting = len(self._window) - self._context
        if waiting > _LONGEST_WAIT:
            return self._give_up(text)
        if text.endswith(_REPLACEMENT):
            # Some decoders show a whole run of bytes as garbage until its last byte is there; that comes out shorter.
            return self._emit(text, len(text.rstrip(_REPLACEMENT)))
        fresh = self._emit(text, len(text))
        if fresh:
            self._move_window(self._window[self._context :], held=0)
        return fresh

    def flush(self) -> str:
        """What still waits, as it stands, once no token can follow."""
        text = self._decode(self._window)
        return self._emit(text, len(text))

    def _emit(self, text: str, until: int) -> str:
        fresh = text[self._emitted : until]
        self._emitted = max(self._emitted, until)
        return fresh

    def _give_up(self, text: str) -> str:
        tail = len(text) - len(text.rstrip(_REPLACEMENT))
        fresh = self._emit(text, len(text) - min(tail, _MOST_INCOMPLETE))
        self._move_window(self._window[-_KEPT:], held=max(0, len(text) - self._emitted))
        return fresh

    def _move_window(self, window: list[int], *, held: int) -> None:
        self._window = window
        self._context = len(window)
        self._emitted = max(0, len(self._decode(window)) - held)
