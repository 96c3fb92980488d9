"""API keys in the admin."""

from __future__ import annotations

import re

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from openai_api.keys import create_key, hash_secret
from openai_api.models import ApiKey
from tests.registry import factories

pytestmark = [pytest.mark.database, pytest.mark.django_db]

LIST = "/admin/openai_api/apikey/"
SECRET = re.compile(r'id="secret">(my-[\w-]+)<')


@pytest.fixture
def root(client: Client) -> User:
    user = factories.superuser()
    client.force_login(user)
    return user


def make(client: Client, user: User, name: str = "nightly") -> str:
    page = client.post(f"{LIST}add/", {"name": name, "user": user.pk, "expires_at_0": "", "expires_at_1": ""})
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


def test_a_key_can_be_renamed_and_does_not_change_hands(client: Client, root: User) -> None:
    secret, other = make(client, root), factories.user("other")
    key = ApiKey.objects.get()
    form = {"name": "weekly", "user": other.pk, "expires_at_0": "", "expires_at_1": ""}
    assert client.post(f"{LIST}{key.pk}/change/", form).status_code == 302
    key.refresh_from_db()
    assert (key.name, key.user, key.secret_hash) == ("weekly", root, hash_secret(secret))


def test_revoking_asks_first(client: Client, root: User) -> None:
    key, _ = create_key("nightly", root)
    form = {"action": "revoke_selected", "_selected_action": key.pk}
    assert "cannot be taken back" in client.post(LIST, form).content.decode()
    key.refresh_from_db()
    assert key.revoked_at is None
    client.post(LIST, form | {"confirmed": "yes"})
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
    assert client.post(f"{LIST}{key.pk}/revoke/").status_code == 403
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
