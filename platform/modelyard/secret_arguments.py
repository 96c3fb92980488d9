"""Taking secrets out of the command line, where every user of the machine could read them."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from modelyard.errors import BadArguments

DATABASE_URL = "--database-url"
COMMAND = "agent"  # the one that joins a database on another machine


def hide_database_url(arguments: Sequence[str]) -> None:
    """Start this process over with the URL of `--database-url` in DATABASE_URL, if there is one to hide.

    The pid stays, and `ps` no longer shows the password. Until then, some 50 ms, it did: who minds gives DATABASE_URL,
    or a URL without a password and PGPASSFILE.
    """
    rest, url = split_database_url(arguments)
    if url is None:
        return
    before = sys.orig_argv[1 : len(sys.orig_argv) - len(arguments)]  # such as `-P -m modelyard`, or the script
    os.environ["DATABASE_URL"] = url
    os.execv(sys.executable, [sys.executable, *before, *rest])  # noqa: S606 - ourselves, with our own arguments


def split_database_url(arguments: Sequence[str]) -> tuple[list[str], str | None]:
    """Takes `--database-url X` or `--database-url=X` out. Raises `BadArguments` when there is no URL."""
    if COMMAND not in arguments:
        return list(arguments), None
    rest: list[str] = []
    url = None
    remaining = iter(arguments)
    for argument in remaining:
        if argument == DATABASE_URL or argument.startswith(f"{DATABASE_URL}="):
            url = argument.partition("=")[2] or next(remaining, "")
            if "://" not in url:
                raise BadArguments(f"{DATABASE_URL} needs a URL, such as postgresql://user:password@host:5432/name.")
        else:
            rest.append(argument)
    return rest, url
