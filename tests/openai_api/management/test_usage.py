"""`modelyard usage`: who used what, and forgetting the old."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from importlib import import_module

import pytest
from django.contrib.auth.models import User
from usage_rows import keep, usage_row

from openai_api.keys import create_key
from openai_api.models import Usage, UsageMinute
from registry.models import Event

pytestmark = pytest.mark.database

Run = Callable[..., tuple[str, str, int]]
DAY = timedelta(days=1)


@pytest.fixture
def run(db: None, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs the command in the test's transaction: what it wrote to stdout and stderr, and its exit code."""
    monkeypatch.setattr(import_module("registry.management.command").connections, "close_all", lambda: None)

    def made(*arguments: str) -> tuple[str, str, int]:
        code = 0
        try:
            import_module("openai_api.management.commands.usage").Command().run_from_argv(
                ["modelyard", "usage", *arguments]
            )
        except SystemExit as end:
            code = int(end.code or 0)
        out, err = capsys.readouterr()
        return out, err, code

    return made


def test_a_line_a_model_and_one_for_all_together(run: Run) -> None:
    keep(
        usage_row(),
        usage_row(status=499, finish="aborted", completion_tokens=5),
        usage_row(model="bge", status=503, finish="error", ttft_ms=None, prompt_tokens=0, completion_tokens=0),
        usage_row(ago=31 * DAY),
    )
    heading, first, second, last = (line.split() for line in run()[0].splitlines())
    assert heading[:7] == ["MODEL", "REQUESTS", "FAILED", "ABORTED", "TOKENS", "IN", "TOKENS"]
    assert first == ["smollm2", "2", "0", "1", "20", "25", "8", "100.0", "20.0"]
    assert second == ["bge", "1", "1", "0", "0", "0", "4", "-", "-"]
    assert last == ["all", "together", "3", "1", "1", "20", "25", "12", "100.0", "20.0"]


@pytest.mark.parametrize(
    ("by", "names"),
    [("model", ["smollm2"]), ("key", ["nightly", "nightly", "(no key)"]), ("user", ["anna", "(nobody)"])],
)
def test_sums_are_by_what_was_asked_and_keys_of_one_name_stay_apart(run: Run, by: str, names: list[str]) -> None:
    keep(usage_row(prompt_tokens=99), usage_row(key_id=2, prompt_tokens=50))
    keep(usage_row(key_id=None, key_name="", user_id=None, username=""))
    assert [row[by] for row in json.loads(run("--by", by, "--json")[0])] == names


def test_days_are_in_order_and_bounded_by_since_and_until(run: Run) -> None:
    keep(*(usage_row(ago=days * DAY) for days in (0, 1, 1, 2, 3)))
    rows = json.loads(run("--by", "day", "--since", "60h", "--until", "12h", "--json")[0])
    assert [row["requests"] for row in rows] == [2, 1]
    assert rows[0]["day"] > rows[1]["day"]


def test_a_model_a_key_and_a_person_are_found_by_their_names_even_when_they_are_gone(run: Run) -> None:
    made, _ = create_key("weekly", User.objects.create_user("bert"))
    keep(usage_row(), usage_row(key_id=made.pk, key_name="weekly", user_id=made.user_id, username="bert"))

    def requests(*options: str) -> int:
        return sum(row["requests"] for row in json.loads(run(*options, "--json")[0]))

    assert requests("--key", "weekly") == requests("--key", f"{made.prefix}…") == requests("--key", str(made.pk)) == 1
    assert requests("--key", "nightly") == requests("--user", "bert") == requests("--user", "anna") == 1
    assert requests("--model", "smollm2") == 2
    assert requests("--model", "smollm2", "--user", "bert", "--key", "nightly") == 0


def test_where_nothing_is_a_sentence_says_so(run: Run) -> None:
    out, _, code = run("--key", "nightly", "--since", "1h")
    assert (out.startswith("No requests of key nightly since 20"), code) == (True, 0)
    assert json.loads(run("--json")[0]) == []


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--since", "1h", "--until", "2h"), "Nothing lies between --since and --until"),
        (("--since", "soon"), "is no moment"),
        (("--key", "my-" + "x" * 40), "That is a whole key"),
        (("--prune-before", "1d", "--model", "m"), "does not go with --model"),
        (("--yes",), "--yes is for --prune-before"),
        (("--prune-before", "1d"), "cannot be taken back: say --yes"),
    ],
)
def test_what_cannot_be_is_said_in_a_sentence(run: Run, arguments: tuple[str, ...], sentence: str) -> None:
    keep(usage_row(ago=9 * DAY))
    _, err, code = run(*arguments)
    assert (sentence in err, err.count("\n"), code) == (True, 1, 1), err
    assert Usage.objects.exists()


def test_pruning_forgets_what_is_older_and_the_timeline_says_who_did_it(run: Run) -> None:
    keep(*(usage_row(ago=days * DAY) for days in (1, 9, 10, 11)))
    assert run("--prune-before", "5d", "--yes")[0] == "3 rows are deleted.\n"
    assert run("--prune-before", "5d", "--yes", "--json")[0].split() == ["{", '"deleted":', "0", "}"]
    assert Usage.objects.count() == UsageMinute.objects.count() == 1
    [event] = Event.objects.filter(subject="usage")
    assert event.actor.startswith("cli")
    assert event.reason.startswith("3 rows from before")
