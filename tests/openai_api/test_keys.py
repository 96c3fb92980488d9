"""API keys: what is stored, and what makes them useless."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import Group, User
from django.utils import timezone

from openai_api.gateway import KEY_USE_NOTED_EVERY_S, KeyUses
from openai_api.keys import OVERLAP, create_key, hash_secret, mark_used, read_keys, revoke, rotate, works
from openai_api.models import ApiKey, Limit
from registry.errors import InvalidDesire
from registry.models import Event


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
def test_a_revoked_key_is_known_and_works_no_more(anna: User) -> None:
    key, secret = create_key("nightly", anna)
    assert (works(secret), read_keys()[hash_secret(secret)].revoked) == (True, False)
    assert (revoke([key]), revoke([key])) == (1, 0)
    assert (works(secret), read_keys()[hash_secret(secret)].revoked) == (False, True)
    assert Event.objects.filter(subject="key nightly", reason__endswith="revoked").count() == 1


@pytest.mark.database
def test_a_key_of_a_user_who_may_not_log_in_works_no_more(anna: User) -> None:
    _, secret = create_key("nightly", anna)
    User.objects.update(is_active=False)
    assert read_keys()[hash_secret(secret)].revoked
    assert not works(secret)


@pytest.mark.database
def test_a_key_of_a_group_outlives_the_people_in_it(anna: User) -> None:
    lab = Group.objects.create(name="lab")
    _, secret = create_key("nightly", group=lab, scopes=["read"], allowed_models=["chat"])
    facts = read_keys()[hash_secret(secret)]
    assert (facts.user_id, facts.group_id, facts.group_name, facts.revoked) == (None, lab.pk, "lab", False)
    assert (facts.scopes, facts.allowed_models) == ({"read"}, ("chat",))


@pytest.mark.database
def test_a_key_has_one_owner_and_some_scope(anna: User) -> None:
    lab = Group.objects.create(name="lab")
    with pytest.raises(InvalidDesire, match="to a user or to a group"):
        create_key("nightly", anna, group=lab)
    with pytest.raises(InvalidDesire, match="to a user or to a group"):
        create_key("nightly")
    with pytest.raises(InvalidDesire, match="one or more of the scopes inference, read, manage"):
        create_key("nightly", anna, scopes=[])
    assert not ApiKey.objects.exists()


@pytest.mark.database
def test_a_successor_has_the_same_rights_and_limits_and_both_work_for_a_while(anna: User) -> None:
    old, secret = create_key("nightly", anna, scopes=["inference", "read"], allowed_models=["lab/*"])
    Limit.objects.create(key=old, requests_per_minute=3)
    made, new_secret = rotate(old, actor="anna")
    old.refresh_from_db()
    assert (made.replaces, made.user, made.scopes, made.allowed_models) == (old, anna, old.scopes, ["lab/*"])
    assert [limit.requests_per_minute for limit in made.limits.all()] == [3]
    assert (works(secret), works(new_secret), made.expires_at) == (True, True, None)
    assert old.expires_at is not None
    assert abs(old.expires_at - timezone.now() - OVERLAP) < timedelta(minutes=1)


@pytest.mark.database
def test_rotating_never_lets_a_key_live_longer(anna: User) -> None:
    soon = timezone.now() + timedelta(minutes=5)
    old, _ = create_key("nightly", anna, expires_at=soon)
    made, _ = rotate(old)
    old.refresh_from_db()
    assert (old.expires_at, made.expires_at) == (soon, soon)


@pytest.mark.database
def test_without_overlap_the_old_key_is_useless_at_once(anna: User) -> None:
    old, secret = create_key("nightly", anna)
    _, new_secret = rotate(old, overlap=timedelta(0))
    assert (works(secret), works(new_secret)) == (False, True)


@pytest.mark.database
def test_a_key_is_rotated_once_and_only_while_it_works(anna: User) -> None:
    key, _ = create_key("nightly", anna)
    made, _ = rotate(key)
    with pytest.raises(InvalidDesire, match=re.escape(f"replaced by nightly ({made.prefix}…): rotate that one")):
        rotate(key)
    revoke([made])
    with pytest.raises(InvalidDesire, match="is revoked and cannot be rotated"):
        rotate(made)


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
