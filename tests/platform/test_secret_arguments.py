"""Passwords stay out of command lines, and a database can be named without one."""

from __future__ import annotations

from pathlib import Path

import pytest

from modelyard.databases import broker_url, libpq_environment
from modelyard.errors import BadArguments
from modelyard.passfile import password_for
from modelyard.secret_arguments import split_database_url

URL = "postgresql://ada:secret@db:5432/yard"
PARTS = {"host": "db.example.org", "port": "6000", "dbname": "yard", "user": "ada"}


@pytest.mark.parametrize(
    ("arguments", "rest", "url"),
    [
        (["agent", "--name", "a"], ["agent", "--name", "a"], None),
        (["agent", "--database-url", URL, "--name", "a"], ["agent", "--name", "a"], URL),
        (["agent", f"--database-url={URL}"], ["agent"], URL),
        (["ps", "--database-url", URL], ["ps", "--database-url", URL], None),
    ],
)
def test_the_url_is_taken_out_of_the_agents_arguments(arguments: list[str], rest: list[str], url: str | None) -> None:
    assert split_database_url(arguments) == (rest, url)


@pytest.mark.parametrize("arguments", [["agent", "--database-url"], ["agent", "--database-url", "--name", "a"]])
def test_something_that_is_no_url_is_refused(arguments: list[str]) -> None:
    with pytest.raises(BadArguments, match="needs a URL"):
        split_database_url(arguments)


@pytest.mark.parametrize(
    ("line", "password"),
    [
        ("db.example.org:6000:yard:ada:secret", "secret"),
        ("*:*:*:ada:with\\:colon\\\\and more", "with:colon\\and more"),
        ("other:6000:yard:ada:secret", ""),
        ("#db.example.org:6000:yard:ada:secret", ""),
        ("nonsense", ""),
    ],
)
def test_a_password_file_is_read_as_libpq_reads_it(tmp_path: Path, line: str, password: str) -> None:
    file = tmp_path / "pgpass"
    file.write_text(f"# who knows\n{line}\n")
    assert password_for(PARTS, {"PGPASSFILE": str(file)}) == password


def test_a_password_in_the_url_or_in_the_environment_comes_first(tmp_path: Path) -> None:
    assert password_for(PARTS | {"password": "mine"}, {"PGPASSWORD": "other"}) == "mine"
    assert password_for(PARTS, {"PGPASSWORD": "other"}) == "other"
    assert password_for(PARTS, {"PGPASSFILE": str(tmp_path / "none")}) == ""


def test_the_broker_is_told_the_password_that_the_database_driver_finds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGPASSWORD", "p@ss")
    assert broker_url("postgresql://ada@db:5432/yard") == "pgmq://ada:p%40ss@db:5432/yard"
    assert broker_url(URL) == "pgmq://ada:secret@db:5432/yard"


def test_how_the_database_is_secured_reaches_the_broker_by_libpqs_own_variables() -> None:
    url = "postgresql://ada:secret@db/yard?sslmode=verify-full&sslrootcert=/ca.pem&application_name=a"
    assert broker_url(url) == "pgmq://ada:secret@db/yard"
    assert libpq_environment(url) == {"PGSSLMODE": "verify-full", "PGSSLROOTCERT": "/ca.pem"}
