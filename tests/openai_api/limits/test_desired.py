"""Limits are set by the admin and by a command, each change with a line on the timeline."""

from __future__ import annotations

import json
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client

from openai_api.limits.facts import read_limits
from openai_api.models import Limit
from registry.errors import InvalidDesire
from registry.models import Event
from tests.registry import factories

pytestmark = [pytest.mark.database, pytest.mark.django_db]

LIST = "/admin/openai_api/limit/"


@pytest.fixture
def anna() -> User:
    return factories.user("anna", is_staff=False)


def limits(*arguments: str) -> Any:
    out = StringIO()
    call_command("limits", *arguments, "--json", stdout=out)
    return json.loads(out.getvalue() or "null")


def test_what_is_set_stays_until_it_is_taken_away(anna: User) -> None:
    limits("set", "--user", "anna", "--requests-per-minute", "6")
    [row] = limits("set", "--user", "anna", "--tokens-per-day", "600", "--requests-per-minute", "7")
    assert (row["user"], row["requests_per_minute"], row["tokens_per_day"]) == ("anna", 7, 600)
    [row] = limits("set", "--user", "anna", "--tokens-per-day", "none")
    assert (row["requests_per_minute"], row["tokens_per_day"]) == (7, None)
    [[facts]] = read_limits().by_owner.values()
    assert (facts.whose, facts.requests_per_minute) == ("the user 'anna'", 7)
    call_command("limits", "remove", "--user", "anna", stdout=StringIO())
    assert not Limit.objects.exists()
    reasons = Event.objects.filter(subject="limit of anna").order_by("id").values_list("reason", flat=True)
    assert [reasons[0], reasons[3]] == ["is requests_per_minute 6", "removed"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("set --user bob --concurrent 3", "No user is called 'bob'"),
        ("set --user anna", "a limit without any limits nothing"),
        ("set --user anna --concurrent many", "'many' is no number"),
        ("set --user anna --concurrent -3", "concurrent: Ensure this value is greater than or equal to 0"),
        ("set --user anna --concurrent 99999999999", "less than or equal to"),
        ("set --concurrent 3", "Say whose"),
        ("remove --user anna", "There is no such limit"),
        ("list --concurrent 3", "Numbers are for `modelyard limits set`"),
    ],
)
def test_what_cannot_be_is_one_sentence_and_changes_nothing(arguments: str, words: str, anna: User) -> None:
    with pytest.raises((CommandError, InvalidDesire), match=words):
        limits(*arguments.split())
    assert not Limit.objects.exists()


def test_a_limit_is_set_changed_and_removed_in_the_admin(client: Client, anna: User) -> None:
    client.force_login(factories.superuser())
    page = client.post(f"{LIST}add/", {"user": anna.pk})
    assert "Fill in at least one number" in page.content.decode()
    assert client.post(f"{LIST}add/", {"user": anna.pk, "concurrent": 3}).status_code == 302
    assert client.post(f"{LIST}add/", {"user": anna.pk, "concurrent": 4}).status_code == 200
    limit = Limit.objects.get()
    assert client.post(f"{LIST}{limit.pk}/change/", {"user": anna.pk, "concurrent": 5}).status_code == 302
    limit.refresh_from_db()
    assert limit.concurrent == 5
    client.post(f"{LIST}{limit.pk}/delete/", {"post": "yes"})
    lines = Event.objects.filter(subject="limit of anna").order_by("id").values_list("actor", "reason")
    assert [reason for _, reason in lines] == ["is concurrent 3", "is concurrent 5", "removed"]
    assert {actor for actor, _ in lines} == {"root"}


@pytest.mark.parametrize("who", ["its owner", "a stranger"])
def test_only_those_with_the_permission_change_limits(client: Client, who: str, anna: User) -> None:
    limit = Limit.objects.create(user=anna, concurrent=1)
    client.force_login(anna if who == "its owner" else factories.user("eve", "view_apikey", is_staff=True))
    for path in (f"{LIST}add/", f"{LIST}{limit.pk}/change/", f"{LIST}{limit.pk}/delete/"):
        assert client.post(path, {"user": anna.pk, "concurrent": 9, "post": "yes"}).status_code in {302, 403}, path
    assert Limit.objects.get().concurrent == 1
