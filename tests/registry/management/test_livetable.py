"""A table that lives."""

from __future__ import annotations

from io import StringIO

from django.core.management.base import OutputWrapper

from registry.management.livetable import LiveTable

LOADING = [{"name": "a", "doing": "loading"}, {"name": "b", "doing": "ready"}]
READY = [{"name": "a", "doing": "ready"}, {"name": "b", "doing": "ready"}]


class Screen(StringIO):
    def isatty(self) -> bool:
        return True


def table(out: StringIO) -> LiveTable:
    return LiveTable(OutputWrapper(out), ("name", "doing"))


def test_in_a_log_only_what_changed_is_written() -> None:
    out = StringIO()
    live = table(out)
    for rows in (LOADING, LOADING, READY):
        live.show(rows)
    assert out.getvalue().splitlines() == ["NAME  DOING", "a     loading", "b     ready", "a     ready"]


def test_on_a_terminal_it_is_written_over_in_place() -> None:
    out = Screen()
    live = table(out)
    live.show(LOADING)
    live.keep("a: a launch failed")
    live.show(READY)
    live.show(READY)
    before, after = "NAME  DOING\na     loading\nb     ready\n", "NAME  DOING\na     ready\nb     ready\n"
    assert out.getvalue() == f"{before}\033[3A\033[Ja: a launch failed\n{after}"
