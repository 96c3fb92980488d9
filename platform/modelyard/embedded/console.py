"""What `modelyard up` says: steps with their seconds, and one line of progress."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

CLEAR_LINE = "\r\x1b[2K"
LINE_EVERY_S = 2.0  # of progress, in a log


class Console:
    """On a terminal the progress line is written over itself; elsewhere each change is a line."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._is_terminal = stream.isatty()
        self._progress = ""
        self._progress_at = float("-inf")
        self.lost = False

    def say(self, text: str = "") -> None:
        """A line that stays."""
        self._write(f"{self._cleared()}{text}\n")

    def progress(self, text: str) -> None:
        """A line that the next one replaces."""
        now = time.monotonic()
        if text == self._progress or (not self._is_terminal and now - self._progress_at < LINE_EVERY_S):
            return
        self._progress_at = now
        before, self._progress = self._cleared(), text
        self._write(f"{before}{_fitted(text)}" if self._is_terminal else f"{text}\n")

    @contextmanager
    def step(self, text: str) -> Iterator[None]:
        """Says what begins, and how long it took; a step that fails leaves the word to the error."""
        started = time.monotonic()
        if self._is_terminal:
            self.progress(f"{text} …")
        yield
        self.say(f"{text}: {time.monotonic() - started:.1f} s")

    def _cleared(self) -> str:
        shown, self._progress = bool(self._progress), ""
        return CLEAR_LINE if shown and self._is_terminal else ""

    def _write(self, text: str) -> None:
        try:
            self._stream.write(text)
            self._stream.flush()
        except OSError:
            # The terminal or the pipe behind us is gone; the platform runs on, and `status` tells.
            self._is_terminal, self.lost = False, True


def _fitted(text: str) -> str:
    width = shutil.get_terminal_size().columns - 1  # a line that wraps could not be written over
    return text if len(text) <= width else f"{text[: width - 1]}…"
