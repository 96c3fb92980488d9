"""The password that libpq would find by itself. The broker's client does not ask libpq, so it has to be told."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

FIELD = re.compile(r"((?:\\.|[^:\\])*)(?::|$)")
ESCAPED = re.compile(r"\\(.)")


def password_for(parts: Mapping[str, str], environ: Mapping[str, str]) -> str:
    """For a parsed database URL: its own password, else PGPASSWORD, else a line of the password file; else empty."""
    if known := parts.get("password") or environ.get("PGPASSWORD"):
        return known
    file = Path(parts.get("passfile") or environ.get("PGPASSFILE") or "~/.pgpass").expanduser()
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except OSError:
        return ""
    wanted = (parts.get("host", "localhost"), parts.get("port", "5432"), parts.get("dbname", ""), parts.get("user", ""))
    return next((found for line in lines if (found := _match(line, wanted))), "")


def _match(line: str, wanted: tuple[str, ...]) -> str:
    """The password of a line `host:port:database:user:password` that fits; `*` fits everything."""
    fields = [ESCAPED.sub(r"\1", field) for field in FIELD.findall(line)]
    fits = len(fields) > 4 and all(field in ("*", want) for field, want in zip(fields, wanted, strict=False))
    return fields[4] if fits and not line.startswith("#") else ""
