"""What all our commands share: one sentence instead of a traceback, tables, and JSON."""

from __future__ import annotations

import json
import sys
from argparse import Namespace, RawDescriptionHelpFormatter
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from django.core.management.base import BaseCommand, CommandError, CommandParser, DjangoHelpFormatter
from django.core.serializers.json import DjangoJSONEncoder
from django.db import connections
from django.db.utils import DatabaseError, InterfaceError, OperationalError

from registry.errors import RegistryError

UNDEFINED_TABLE = "42P01"  # SQLSTATE


class HelpFormatter(DjangoHelpFormatter, RawDescriptionHelpFormatter):
    """Leaves the lines of examples as they are."""


class YardCommand(BaseCommand):
    """A command of ours. Of a `CommandError` or an expected error the user reads the message; exit code 1."""

    requires_system_checks = []  # they cost half a second and belong to `check`
    suppressed_base_arguments = {
        "--version", "--verbosity", "--settings", "--pythonpath", "--no-color", "--force-color",
    }  # fmt: skip
    expected_errors: ClassVar[tuple[type[Exception], ...]] = (RegistryError,)
    examples: ClassVar[tuple[str, ...]] = ()  # command lines that `--help` ends with
    lists: ClassVar[bool] = False  # true: the command prints rows and takes --json

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        if self.examples:
            lines = "\n".join(f"  modelyard {subcommand} {example}".rstrip() for example in self.examples)
            kwargs |= {"epilog": f"examples:\n{lines}", "formatter_class": HelpFormatter}
        parser = super().create_parser(prog_name, subcommand, **kwargs)
        if self.lists:
            parser.add_argument("--json", action="store_true", dest="as_json", help="Print JSON for programs.")
        parser.add_argument(
            "--data-dir", metavar="DIR", help="The installation (default: MODELYARD_DATA_DIR, else ./var)."
        )
        return parser

    def run_from_argv(self, argv: list[str]) -> None:
        # Django's own version leaves bad arguments to argparse: a page of usage and exit code 2.
        expected: tuple[type[Exception], ...] = (CommandError, DatabaseError, InterfaceError, *self.expected_errors)
        try:
            options = vars(self._parsed(argv))
            self.execute(*options.pop("args", ()), **options)
        except expected as error:
            if "--traceback" in argv:
                raise
            self.stderr.write(sentence(error))
            sys.exit(getattr(error, "returncode", 1))
        finally:
            connections.close_all()

    def _parsed(self, argv: list[str]) -> Namespace:
        try:
            return self.create_parser(argv[0], argv[1]).parse_args(argv[2:])
        except CommandError as error:
            complaint = str(error).removeprefix("Error: ").rstrip(".")
            raise CommandError(f"{complaint[:1].upper()}{complaint[1:]}: see `modelyard {argv[1]} --help`.") from None

    def print_json(self, content: object) -> None:
        self.stdout.write(json.dumps(content, indent=2, cls=DjangoJSONEncoder))

    def print_rows(
        self, rows: Sequence[Mapping[str, object]], *, columns: Sequence[str], as_json: bool, nothing: str = "Nothing."
    ) -> None:
        """Rows as a table of `columns` (a column is a key of the rows), or all of them as JSON."""
        if as_json:
            self.print_json([dict(row) for row in rows])
        elif rows:
            self.stdout.write(table(rows, columns))
        else:
            self.stdout.write(nothing)


def table(rows: Sequence[Mapping[str, object]], columns: Sequence[str]) -> str:
    """Aligned columns under upper-case headings; the last column is not padded."""
    lines = [[column.replace("_", " ").upper() for column in columns]]
    lines += [[_cell(row.get(column)) for column in columns] for row in rows]
    widths = [max(len(line[index]) for line in lines) for index in range(len(columns))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )


def _cell(value: object) -> str:
    if value is None or value == "":
        return "-"
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value)) or "-"
    return str(round(value, 1)) if isinstance(value, float) else " ".join(str(value).split())


def sentence(error: Exception) -> str:
    """What a person needs to read of an expected error."""
    first_line = next(iter(str(error).strip().splitlines()), type(error).__name__)
    if isinstance(error, DatabaseError) and getattr(error.__cause__, "sqlstate", None) == UNDEFINED_TABLE:
        return "The database has no tables yet: start the platform once with `modelyard up`."
    if isinstance(error, OperationalError) and getattr(error.__cause__, "sqlstate", None) is None:
        reason = first_line.removeprefix("connection failed: ")
        return f"The database does not answer ({reason}): start it with `modelyard up`, or see `modelyard status`."
    if isinstance(error, DatabaseError | InterfaceError):
        return f"The database refused: {first_line}."
    return str(error)
