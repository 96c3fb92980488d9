"""The two places where a chat can happen: a terminal, or a pipe."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from django.core.management.base import OutputWrapper

from registry.management.operator import LiveLine

PROMPT = "> "


class Terminal:
    """Lines are edited and remembered by readline; answers and remarks share the screen."""

    interactive = True

    def __init__(self, out: OutputWrapper) -> None:
        import readline  # noqa: F401 - its import alone gives `input` editing and a history

        self._out = out
        self._line = LiveLine(out)

    def lines(self) -> Iterator[str]:
        """Ctrl-C empties a line, Ctrl-D ends."""
        while True:
            try:
                yield input(PROMPT)
            except EOFError:
                self._out.write("")
                return
            except KeyboardInterrupt:
                self._out.write("")

    def write(self, text: str) -> None:
        self._out.write(text, ending="")
        self._out.flush()

    def remark(self, text: str) -> None:
        self._out.write(text)

    def progress(self, text: str) -> None:
        if text:
            self._line.show(text)
        else:
            self._line.clear()


class Pipe:
    """A turn a line; nothing but answers on the output, all else on the error output."""

    interactive = False

    def __init__(self, out: OutputWrapper, error: OutputWrapper) -> None:
        self._out, self._error = out, error
        self._line = LiveLine(error)

    def lines(self) -> Iterator[str]:
        yield from iter(sys.stdin.readline, "")

    def write(self, text: str) -> None:
        self._out.write(text, ending="")
        self._out.flush()

    def remark(self, text: str) -> None:
        self._error.write(text)

    def progress(self, text: str) -> None:
        if text:
            self._line.show(text)
        else:
            self._line.clear()
