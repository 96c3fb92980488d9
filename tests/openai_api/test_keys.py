"""API keys: what is stored, and what makes them useless."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import Group, User
from django.utils import timezone

from openai_api.gateway import KEY_USE_NOTED_EVERY_S, KeyUses
from openai_api.keys import OVERLAP, create_key, delete, edit, hash_secret, mark_used, read_keys, revoke, rotate, works
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


@pytest.fixture
def robot(anna: User) -> ApiKey:
    """A key that makes keys, for some models and some time."""
    soon = timezone.now() + timedelta(days=1)
    scopes = ["inference", "manage"]
    return create_key("robot", anna, scopes=scopes, allowed_models=["lab/*"], expires_at=soon)[0]


@pytest.mark.database
def test_a_key_made_by_a_key_has_its_end_and_models_unless_it_is_to_have_less(robot: ApiKey) -> None:
    made, secret = create_key("child", robot.user, parent=robot)
    assert (made.expires_at, made.allowed_models) == (robot.expires_at, ["lab/*"])
    assert read_keys()[hash_secret(secret)].family == (made.pk, robot.pk)
    for more in ({"scopes": ["read"]}, {"allowed_models": ["other"]}, {"expires_at": timezone.now() + OVERLAP * 2}):
        with pytest.raises(InvalidDesire, match="A key cannot make one"):
            create_key("child", robot.user, parent=robot, **more)  # type: ignore[arg-type]
    assert not edited(made, allowed_models=[])
    assert edited(made, allowed_models=["lab/a"])


@pytest.mark.database
def test_a_key_ends_with_the_key_that_made_it(robot: ApiKey) -> None:
    _, secret = create_key("child", robot.user, parent=robot)
    assert revoke([robot], actor="anna") == 1
    assert not works(secret)
    assert Event.objects.filter(subject="key child", reason__endswith="with the key that made it").count() == 1


@pytest.mark.database
def test_a_key_that_is_deleted_takes_along_those_that_it_made(robot: ApiKey) -> None:
    _, secret = create_key("child", robot.user, parent=robot)
    delete([robot], actor="anna")
    assert not works(secret)


@pytest.mark.database
def test_what_is_taken_from_a_key_is_taken_from_those_that_it_made(robot: ApiKey) -> None:
    kept, _ = create_key("kept", robot.user, parent=robot, allowed_models=["lab/a", "lab/b"])
    _, lost = create_key("lost", robot.user, parent=robot, allowed_models=["lab/b"])
    robot.expires_at = timezone.now() + timedelta(hours=1)
    assert edited(robot, allowed_models=["lab/a"])
    kept.refresh_from_db()
    assert (kept.allowed_models, kept.expires_at) == (["lab/a"], robot.expires_at)
    assert not works(lost)


@pytest.mark.database
def test_the_keys_that_a_rotated_key_made_are_its_successor_s(robot: ApiKey) -> None:
    child, secret = create_key("child", robot.user, parent=robot)
    made, _ = rotate(robot, overlap=timedelta(0))
    child.refresh_from_db()
    assert (works(secret), child.parent) == (True, made)


def edited(key: ApiKey, **changes: object) -> bool:
    for name, value in changes.items():
        setattr(key, name, value)
    try:
        return edit(key, actor="anna")
    except InvalidDesire:
        key.refresh_from_db()
        return False
