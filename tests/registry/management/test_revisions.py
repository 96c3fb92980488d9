"""What a deployment was told to be, and when."""

from __future__ import annotations

import json
from typing import Any

import pytest

from registry import desired
from tests.registry import factories

pytestmark = [pytest.mark.database, pytest.mark.django_db]


@pytest.fixture(autouse=True)
def edited() -> None:
    made = factories.deployment(options={"token_delay_ms": 5})
    made.options = {"token_delay_ms": 20}
    desired.save(made, actor="bob")
    desired.scale(made, 3, actor="eve")


def test_revisions_are_told_newest_first_with_what_each_changed(run: Any) -> None:
    lines = run("revisions", "chat").out.splitlines()
    assert [line.split()[0] for line in lines] == ["NUMBER", "3", "2", "1"]
    assert lines[1].endswith("eve  replicas: 1 → 3")
    assert lines[2].endswith("bob  option token_delay_ms: 5 → 20")
    assert lines[3].endswith("ada  the first revision")


def test_two_revisions_are_compared_option_by_option(run: Any) -> None:
    lines = run("revisions", "chat", "--diff", "1", "3").out.splitlines()
    assert [line.split() for line in lines] == [
        ["OPTION", "BEFORE", "AFTER", "TAKES"],
        ["replicas", "1", "3", "hot"],
        ["option", "token_delay_ms", "5", "20", "needs", "new", "workers"],
    ]


def test_programs_get_the_values_themselves(run: Any) -> None:
    changes = json.loads(run("revisions", "chat", "--diff", "3", "1", "--json").out)
    assert [(change["option"], change["before"], change["after"], change["hot"]) for change in changes] == [
        ("replicas", 3, 1, True),
        ("options.token_delay_ms", 20, 5, False),
    ]
    assert [row["number"] for row in json.loads(run("revisions", "chat", "--json").out)] == [3, 2, 1]


def test_a_revision_differs_in_nothing_from_itself(run: Any) -> None:
    assert run("revisions", "chat", "--diff", "2", "2").out == "Revisions 2 and 2 of chat are the same.\n"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["nope"], "There is no deployment 'nope'. Deployments: chat."),
        (["chat", "--diff", "1", "9"], "chat has no revision 9: its newest is 3."),
        (["chat", "--diff", "1"], "expected 2 arguments"),
        (["chat", "--diff", "1", "last"], "invalid int value: 'last'"),
    ],
)
def test_bad_input_is_one_sentence(run: Any, arguments: list[str], sentence: str) -> None:
    done = run("revisions", *arguments)
    assert (done.code, done.out) == (1, "")
    assert sentence in done.err
