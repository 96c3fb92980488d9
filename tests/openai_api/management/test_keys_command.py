"""`modelyard keys`."""

from __future__ import annotations

import json
from argparse import ArgumentTypeError
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from importlib import import_module

import pytest
from django.contrib.auth.models import Group, User
from django.utils import timezone

from openai_api.keys import create_key, works
from openai_api.management.moments import parse_duration, parse_moment
from openai_api.models import ApiKey
from registry.models import Event

Run = Callable[..., tuple[str, str, int]]


@pytest.fixture
def run(db: None, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs the command in the test's transaction: what it wrote to stdout and stderr, and its exit code."""
    monkeypatch.setattr(import_module("registry.management.command").connections, "close_all", lambda: None)
    User.objects.create_user("anna")

    def made(*arguments: str) -> tuple[str, str, int]:
        code = 0
        try:
            import_module("openai_api.management.commands.keys").Command().run_from_argv(
                ["modelyard", "keys", *arguments]
            )
        except SystemExit as end:
            code = int(end.code or 0)
        out, err = capsys.readouterr()
        return out, err, code

    return made


@pytest.mark.database
def test_a_new_secret_is_the_one_line_on_the_output(run: Run) -> None:
    out, err, code = run("create", "nightly", "--user", "anna", "--expires", "90d", "--model", "lab/*")
    key = ApiKey.objects.get()
    assert (works(out.strip()), out.count("\n"), code) == (True, 1, 0)
    assert "of anna is made" in err
    assert out.strip() not in err
    assert (key.allowed_models, key.scopes) == (["lab/*"], ["inference"])
    assert key.expires_at is not None
    assert abs(key.expires_at - timezone.now() - timedelta(days=90)) < timedelta(minutes=1)
    assert Event.objects.get().actor.startswith("cli")


@pytest.mark.database
def test_programs_get_json(run: Run) -> None:
    Group.objects.create(name="lab")
    made = json.loads(run("create", "ci", "--group", "lab", "--scope", "read", "--scope", "inference", "--json")[0])
    [listed] = json.loads(run("--json")[0])
    assert made == listed | {"secret": made["secret"]}
    assert (listed["group"], listed["user"], listed["scopes"]) == ("lab", None, ["inference", "read"])
    assert "secret_hash" not in listed


@pytest.mark.database
def test_keys_are_listed_rotated_and_revoked_by_their_names(run: Run) -> None:
    _, old = create_key("nightly", User.objects.get())
    new = run("rotate", "nightly", "--overlap", "0")[0].strip()
    assert (works(old), works(new)) == (False, True)
    assert run("revoke", new[:9])[0].endswith("is revoked.\n")
    assert run("revoke", f"{new[:9]}…")[0].endswith("was revoked before.\n")
    heading, *lines = run()[0].splitlines()
    assert heading.split()[:4] == ["ID", "NAME", "KEY", "OWNER"]
    assert ["revoked" in line and "anna" in line for line in lines] == [True, True]
    assert not works(new)


@pytest.mark.database
@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("create", "Say which key to create"),
        ("create nightly", "belongs to a user or to a group"),
        ("create nightly --user nobody", "There is no user 'nobody'"),
        ("create nightly --group nobody", "There is no group 'nobody'"),
        ("create nightly --user anna --model a*b", "names no model"),
        ("create nightly --user anna --expires soon", "'soon' is no moment"),
        ("create nightly --user anna --overlap 1h", "--overlap is not for `modelyard keys create`"),
        ("rotate nothing", "There is no key 'nothing'"),
        ("revoke twice", "Several keys are called 'twice'"),
        ("list nightly", "takes no name"),
    ],
)
def test_what_cannot_be_is_a_sentence(run: Run, line: str, sentence: str) -> None:
    for _ in range(2):
        create_key("twice", User.objects.get())
    out, err, code = run(*line.split())
    assert (out, code, sentence in err) == ("", 1, True), err
    assert ApiKey.objects.count() == 2


@pytest.mark.database
def test_a_secret_in_the_command_line_is_not_repeated(run: Run) -> None:
    _, secret = create_key("nightly", User.objects.get())
    _, err, code = run("revoke", secret)
    assert (code, secret in err, works(secret)) == (1, False, True)
    assert "first 9 characters" in err


def test_durations_and_moments_are_written_shortly() -> None:
    assert (parse_duration("90m"), parse_duration("0")) == (timedelta(minutes=90), timedelta(0))
    assert parse_moment("2030-01-31") == datetime(2030, 1, 31, tzinfo=UTC)
    assert parse_moment("2030-01-31T12:00+02:00") == datetime(2030, 1, 31, 10, tzinfo=UTC)
    for wrong in ("1y", "-1d", "999999d", "2030-02-31"):
        with pytest.raises(ArgumentTypeError):
            parse_moment(wrong)
