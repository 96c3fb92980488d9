"""API keys: what is stored, and what makes them useless."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from openai_api.gateway import KEY_USE_NOTED_EVERY_S, KeyUses
from openai_api.keys import create_key, hash_secret, mark_used, read_keys, revoke
from openai_api.models import ApiKey


@pytest.fixture
def anna(db: None) -> User:
    return User.objects.create_user("anna")


@pytest.mark.database
def test_the_secret_is_nowhere_in_its_row(anna: User) -> None:
    key, secret = create_key("nightly", anna)
    assert secret.startswith("my-")
    assert len(secret) >= 40
    row = ApiKey.objects.values().get(pk=key.pk)
    assert secret not in str(row)
    assert (row["prefix"], row["secret_hash"]) == (secret[:9], hash_secret(secret))


@pytest.mark.database
def test_a_key_is_found_by_the_hash_of_its_secret(anna: User) -> None:
    key, secret = create_key("nightly", anna)
    facts = read_keys()[hash_secret(secret)]
    assert (facts.id, facts.name, facts.user_id) == (key.pk, "nightly", anna.pk)


@pytest.mark.database
def test_a_revoked_key_is_not_read_any_more(anna: User) -> None:
    key, _ = create_key("nightly", anna)
    assert revoke([key]) == 1
    assert revoke([key]) == 0
    assert read_keys() == {}


@pytest.mark.database
def test_keys_of_a_user_who_may_not_log_in_are_not_read(anna: User) -> None:
    create_key("nightly", anna)
    User.objects.update(is_active=False)
    assert read_keys() == {}


@pytest.mark.database
def test_use_is_written_by_the_clock_of_the_database(anna: User) -> None:
    key, _ = create_key("nightly", anna)
    mark_used([key.pk])
    key.refresh_from_db()
    assert key.last_used_at is not None
    assert abs(key.last_used_at - timezone.now()) < timedelta(minutes=1)


def test_the_state_of_a_key_is_told_by_its_dates() -> None:
    now = timezone.now()
    assert ApiKey().state(now) == "active"
    assert ApiKey(expires_at=now).state(now) == "expired"
    assert ApiKey(expires_at=now + timedelta(hours=1), revoked_at=now).state(now) == "revoked"


def test_the_use_of_a_key_is_noted_once_a_minute() -> None:
    uses = KeyUses()
    uses.note(1, now=0)
    uses.note(1, now=1)
    assert (uses.take(), uses.take()) == ([1], [])
    uses.note(1, now=KEY_USE_NOTED_EVERY_S - 1)
    assert uses.take() == []
    uses.note(1, now=KEY_USE_NOTED_EVERY_S)
    assert uses.take() == [1]
