"""What our commands share: errors as sentences, tables, JSON."""

from __future__ import annotations

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management.base import CommandError, CommandParser
from django.db.utils import DatabaseError, OperationalError, ProgrammingError

from registry.errors import NotFound
from registry.management.command import YardCommand, sentence, table

ROWS: list[dict[str, object]] = [
    {"name": "chat", "devices": ["gpu:0", "gpu:1"], "reason": "first\nsecond", "age_s": 1.234},
    {"name": "embed", "devices": [], "reason": None, "age_s": 12},
]


class Probe(YardCommand):
    """Raises what it is told to, else lists rows."""

    help = "A probe."
    lists = True
    raising: Exception | None = None

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--replicas", type=int)

    def handle(self, *args: Any, **options: Any) -> None:
        if self.raising:
            raise self.raising
        self.print_rows(ROWS, columns=("name", "devices"), as_json=options["as_json"])


def run(*arguments: str, raising: Exception | None = None) -> tuple[int | str | None, str, str]:
    out, err = StringIO(), StringIO()
    probe = Probe(stdout=out, stderr=err, no_color=True)
    probe.raising = raising
    try:
        probe.run_from_argv(["modelyard", "probe", *arguments])
    except SystemExit as exit_:
        return exit_.code, out.getvalue(), err.getvalue()
    return 0, out.getvalue(), err.getvalue()


def test_a_table_is_aligned_and_each_row_is_one_line() -> None:
    assert table(ROWS, ["name", "devices", "reason", "age_s"]).splitlines() == [
        "NAME   DEVICES       REASON        AGE S",
        "chat   gpu:0, gpu:1  first second  1.2",
        "embed  -             -             12",
    ]


def test_json_has_every_key_and_the_table_its_columns() -> None:
    assert json.loads(run("--json")[1]) == ROWS
    assert run()[1].splitlines()[0] == "NAME   DEVICES"


@pytest.mark.parametrize("error", [CommandError("no such thing"), NotFound("no such thing")])
def test_an_expected_error_is_its_message_and_exit_code_1(error: Exception) -> None:
    assert run(raising=error) == (1, "", "no such thing\n")


def test_an_unexpected_error_is_a_bug_and_keeps_its_traceback() -> None:
    with pytest.raises(ZeroDivisionError):
        run(raising=ZeroDivisionError())


def test_traceback_shows_where_an_error_came_from() -> None:
    with pytest.raises(NotFound):
        run("--traceback", raising=NotFound("no such thing"))


@pytest.mark.parametrize("arguments", [["--replicas", "two"], ["--frobnicate"], ["surplus"]])
def test_bad_arguments_are_one_sentence_and_exit_code_1(arguments: list[str]) -> None:
    code, out, err = run(*arguments)
    assert (code, out) == (1, "")
    assert err.endswith(": see `modelyard probe --help`.\n")
    assert err.count("\n") == 1


def caused_by(error: DatabaseError, sqlstate: str | None) -> DatabaseError:
    error.__cause__ = type("Cause", (Exception,), {"sqlstate": sqlstate})()
    return error


def test_database_errors_say_what_to_do() -> None:
    refused = caused_by(OperationalError("connection failed: refused\nmore"), None)
    assert sentence(refused).startswith("The database does not answer (refused): start it with `modelyard up`")
    assert "no tables yet" in sentence(caused_by(ProgrammingError("relation"), "42P01"))
    assert sentence(caused_by(OperationalError("disk full"), "53100")) == "The database refused: disk full."
