"""API keys in the admin."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from django.contrib.auth.models import Group, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from openai_api.keys import create_key, hash_secret, revoke
from openai_api.models import ApiKey
from registry.models import Event
from tests.registry import factories

pytestmark = [pytest.mark.database, pytest.mark.django_db]

LIST = "/admin/openai_api/apikey/"
SECRET = re.compile(r'id="secret">(my-[\w-]+)<')


@pytest.fixture
def root(client: Client) -> User:
    user = factories.superuser()
    client.force_login(user)
    return user


def form(**fields: object) -> dict[str, object]:
    empty = {"name": "nightly", "user": "", "group": "", "scopes": ["inference"], "allowed_models": ""}
    return {**empty, "expires_at_0": "", "expires_at_1": "", **fields}


def make(client: Client, user: User, **fields: object) -> str:
    page = client.post(f"{LIST}add/", form(user=user.pk, **fields))
    found = SECRET.search(page.content.decode())
    assert found is not None
    assert "no-store" in page["Cache-Control"]
    return found[1]


def test_a_new_key_shows_its_secret_on_one_page_only(client: Client, root: User) -> None:
    secret = make(client, root)
    key = ApiKey.objects.get()
    assert (key.secret_hash, key.user) == (hash_secret(secret), root)
    for path in (LIST, f"{LIST}{key.pk}/change/", f"{LIST}{key.pk}/history/"):
        page = client.get(path).content.decode()
        assert secret not in page
        assert key.secret_hash not in page


def test_a_key_of_a_group_has_the_rights_that_were_chosen(client: Client, root: User) -> None:
    lab = Group.objects.create(name="lab")
    rights = {"scopes": ["read", "inference"], "allowed_models": "smollm2, lab/*", "expires_at_0": "2030-01-01"}
    client.post(f"{LIST}add/", form(group=lab.pk, expires_at_1="00:00", **rights))
    key = ApiKey.objects.get()
    assert (key.user, key.group, key.scopes) == (None, lab, ["inference", "read"])
    assert (key.allowed_models, key.expires_at) == (["smollm2", "lab/*"], datetime(2030, 1, 1, tzinfo=UTC))
    assert "smollm2, lab/*" in client.get(f"{LIST}{key.pk}/change/").content.decode()


def test_a_key_has_one_owner_and_rights_that_can_be(client: Client, root: User) -> None:
    lab, chat = Group.objects.create(name="lab"), factories.model("chat")
    factories.alias("gpt-4", chat)
    for wrong, sentence in (
        ({}, "belongs to a user or to a group"),
        ({"user": root.pk, "group": lab.pk}, "belongs to a user or to a group"),
        ({"user": root.pk, "scopes": []}, "This field is required"),
        ({"user": root.pk, "scopes": ["root"]}, "not one of the available choices"),
        ({"user": root.pk, "allowed_models": "a*b"}, "names no model"),
        ({"user": root.pk, "allowed_models": "gpt-4"}, "gpt-4 is an alias of chat"),
    ):
        page = client.post(f"{LIST}add/", form(**wrong))
        assert (page.status_code, sentence in page.content.decode()) == (200, True), sentence
    assert not ApiKey.objects.exists()


def test_a_key_can_be_changed_and_does_not_change_hands(client: Client, root: User) -> None:
    secret, other = make(client, root), factories.user("other")
    key = ApiKey.objects.get()
    new = form(name="weekly", user=other.pk, scopes=["read"], allowed_models="chat")
    assert client.post(f"{LIST}{key.pk}/change/", new).status_code == 302
    key.refresh_from_db()
    assert (key.name, key.user, key.secret_hash) == ("weekly", root, hash_secret(secret))
    assert (key.scopes, key.allowed_models) == (["read"], ["chat"])


def test_a_rotated_key_is_shown_once_and_the_old_one_ends_later(client: Client, root: User) -> None:
    key, _ = create_key("nightly", root)
    path = f"{LIST}{key.pk}/rotate/"
    assert "Hours until the old key stops working" in client.get(path, headers={"HX-Request": "true"}).content.decode()
    assert ApiKey.objects.count() == 1
    answer = client.post(path, {"_form_submitted": "True", "hours": 2}, headers={"HX-Request": "true"})
    found = SECRET.search(answer.content.decode())
    assert found is not None
    assert (answer["HX-Retarget"], "no-store" in answer["Cache-Control"]) == ("#dialog", True)
    successor = ApiKey.objects.get(replaces=key)
    key.refresh_from_db()
    assert successor.secret_hash == hash_secret(found[1])
    assert key.expires_at is not None


def test_what_cannot_be_rotated_says_so(client: Client, root: User) -> None:
    key, _ = create_key("nightly", root)
    revoke([key])
    page = client.post(f"{LIST}{key.pk}/rotate/", {"_form_submitted": "True", "hours": 2}, follow=True)
    assert "is revoked and cannot be rotated" in page.content.decode()
    assert ApiKey.objects.count() == 1


def test_the_timeline_has_every_change_of_a_key_and_no_secret(client: Client, root: User) -> None:
    secret = make(client, root)
    key = ApiKey.objects.get()
    client.post(f"{LIST}{key.pk}/change/", form(name="weekly", scopes=["read"]))
    client.post(f"{LIST}{key.pk}/revoke/", {"_form_submitted": "True"})
    client.post(f"{LIST}{key.pk}/delete/", {"post": "yes"})
    events = Event.objects.order_by("id")
    made, changed, revoked, deleted = (event.reason.removeprefix(f"{key.prefix}… ") for event in events)
    assert {event.actor for event in events} == {"root"}
    assert [event.subject for event in events] == ["key nightly", *["key weekly"] * 3]
    assert made == "made for root, inference, all models"
    assert changed == "name: nightly → weekly; scopes: inference → read"
    assert (revoked, deleted) == ("revoked", "deleted")
    assert secret not in str(list(events.values()))


def test_revoking_asks_first(client: Client, root: User) -> None:
    key, _ = create_key("nightly", root)
    chosen = {"action": "revoke_selected", "_selected_action": key.pk}
    assert "cannot be taken back" in client.post(LIST, chosen).content.decode()
    key.refresh_from_db()
    assert key.revoked_at is None
    client.post(LIST, chosen | {"_form_submitted": "True"})
    key.refresh_from_db()
    assert key.revoked_at is not None


def test_the_button_of_a_key_revokes_it_by_post_only(client: Client, root: User) -> None:
    key, _ = create_key("nightly", root)
    path = f"{LIST}{key.pk}/revoke/"
    client.get(path)
    key.refresh_from_db()
    assert key.revoked_at is None
    client.post(path, {"_form_submitted": "True"})
    key.refresh_from_db()
    assert key.revoked_at is not None


def test_staff_without_the_right_neither_sees_nor_revokes(client: Client, root: User) -> None:
    key, _ = create_key("nightly", root)
    client.force_login(factories.user("viewer"))
    assert client.get(LIST).status_code == 403
    for order in ("revoke", "rotate"):
        assert client.post(f"{LIST}{key.pk}/{order}/").status_code == 403
    client.force_login(factories.user("looker", "view_apikey"))
    assert "nightly" in client.get(LIST).content.decode()
    assert client.post(f"{LIST}{key.pk}/revoke/").status_code == 403
    key.refresh_from_db()
    assert key.revoked_at is None


def test_the_list_costs_the_same_however_many_keys_there_are(client: Client, root: User) -> None:
    create_key("first", root)
    client.get(LIST)
    with CaptureQueriesContext(connection) as few:
        client.get(LIST)
    for number in range(20):
        create_key(f"key-{number}", factories.user(f"user-{number}"))
    with CaptureQueriesContext(connection) as many:
        client.get(LIST)
    assert len(many) == len(few)


def test_staff_make_and_turn_no_keys_of_others_that_do_more_than_ask_models(client: Client) -> None:
    boss = factories.superuser("boss")
    key, _ = create_key("boss's", boss, scopes=["manage"])
    staff = factories.user("staff", "add_apikey", "change_apikey", "view_apikey", "view_user", is_staff=True)
    client.force_login(staff)
    page = client.post(f"{LIST}add/", form(user=boss.pk, scopes=["manage"]))
    assert "Only superusers make keys of others" in page.content.decode()
    page = client.post(f"{LIST}{key.pk}/rotate/", {"_form_submitted": "True", "hours": 2}, follow=True)
    assert "Only superusers make keys of others" in page.content.decode()
    assert ApiKey.objects.count() == 1
    make(client, staff, scopes=["manage"])


def test_a_key_made_by_a_key_is_not_widened(client: Client, root: User) -> None:
    robot, _ = create_key("robot", root, allowed_models=["lab/*"])
    child, _ = create_key("child", root, parent=robot)
    page = client.post(f"{LIST}{child.pk}/change/", form(name="child", allowed_models="other"))
    assert "it is for lab/*" in page.content.decode()
    child.refresh_from_db()
    assert child.allowed_models == ["lab/*"]
