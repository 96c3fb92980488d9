"""A table that lives: written over in place on a terminal, a line for each change elsewhere."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence

from django.core.management.base import OutputWrapper

from registry.management.command import table

UP_AND_CLEAR = "\033[{}A\033[J"


class LiveTable:
    """Rows keep their number and their order."""

    def __init__(self, stream: OutputWrapper, columns: Sequence[str]) -> None:
        self._stream, self._columns = stream, columns
        self._on_terminal = stream.isatty()
        self._shown: list[str] = []

    def show(self, rows: Sequence[Mapping[str, object]]) -> None:
        lines = table(rows, self._columns).splitlines()
        if self._on_terminal:
            width = shutil.get_terminal_size().columns - 1  # a line that wraps would count as two
            lines = [line[:width] for line in lines]
        if lines == self._shown:
            return
        if self._on_terminal:
            self._rewind()
            news = lines
        else:
            news = [line for line in lines if line not in self._shown]
        self._stream.write("\n".join(news))
        self._stream.flush()
        self._shown = lines

    def keep(self, text: str) -> None:
        """A line that stays, above the table."""
        if self._on_terminal:
            self._rewind()
            self._shown = []
        self._stream.write(text)

    def _rewind(self) -> None:
        if self._shown:
            self._stream.write(UP_AND_CLEAR.format(len(self._shown)), ending="")
