"""Keys by the management API: the secret once, and a line on the timeline for each change."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from api_client import management_routes, of_root, of_secret, of_user
from django.contrib.auth.models import Group, User
from django.utils import timezone
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.validation import validate_schema
from error_shape import assert_envelope

from openai_api.keys import create_key
from openai_api.models import ApiKey
from registry.models import Event
from tests.registry import factories

pytestmark = [pytest.mark.database, pytest.mark.django_db]


def test_a_key_is_made_with_its_secret_once_rotated_and_revoked() -> None:
    root = of_root()
    made = root.post("/api/v1/keys", {"name": "nightly", "scopes": ["read"]}, format="json").json()
    assert of_secret(made["secret"]).get("/api/v1/models").status_code == 200
    assert "secret" not in root.get(f"/api/v1/keys/{made['id']}").json()
    turned = root.post(f"/api/v1/keys/{made['id']}/rotate", {"overlap_s": 0}, format="json").json()
    assert of_secret(made["secret"]).get("/api/v1/models").status_code == 401
    assert of_secret(turned["secret"]).get("/api/v1/models").status_code == 200
    assert root.post(f"/api/v1/keys/{turned['id']}/revoke", {}, format="json").json()["revoked_at"]
    assert of_secret(turned["secret"]).get("/api/v1/models").status_code == 401
    assert ApiKey.objects.count() == 2
    assert set(Event.objects.filter(subject="key nightly").values_list("actor", flat=True)) == {"root"}


def test_a_key_is_edited_by_its_etag() -> None:
    root = of_root()
    made = root.post("/api/v1/keys", {"name": "nightly"}, format="json").json()
    here = f"/api/v1/keys/{made['id']}"
    tag = {"If-Match": root.get(here)["ETag"]}
    edit = {"allowed_models": ["lab/*"], "expires_at": "2040-01-01T00:00:00Z"}
    assert root.patch(here, edit, format="json").status_code == 428
    assert root.patch(here, edit, format="json", headers=tag).json().items() >= edit.items()
    assert root.patch(here, edit, format="json", headers=tag).status_code == 412
    for wrong in ({"scopes": []}, {"scopes": ["root"]}, {"name": ""}, {"secret": "x"}, {"allowed_models": ["a*b"]}):
        refused = root.patch(here, wrong, format="json", headers={"If-Match": "*"})
        assert refused.status_code == 400, wrong
        assert_envelope(refused.json(), "invalid_request")


def test_nobody_widens_a_key_beyond_what_they_may_hold() -> None:
    here, any_state = {}, {"If-Match": "*"}
    for owner in ("boss", "ada"):
        person = factories.superuser(owner) if owner == "boss" else factories.user(owner)
        here[owner] = f"/api/v1/keys/{create_key('one', person)[0].pk}"
    clerk = of_user("bob", "change_apikey")
    assert clerk.patch(here["ada"], {"name": "two"}, format="json", headers=any_state).status_code == 200
    for path in here.values():
        assert clerk.patch(path, {"scopes": ["manage"]}, format="json", headers=any_state).status_code == 403
    _, secret = create_key("robot", User.objects.get(username="boss"), scopes=["manage"])
    robot, itself = of_secret(secret), f"/api/v1/keys/{ApiKey.objects.get(name='robot').pk}"
    assert robot.patch(here["ada"], {"name": "x"}, format="json", headers=any_state).status_code == 403
    assert robot.patch(itself, {"scopes": ["manage", "inference"]}, format="json", headers=any_state).status_code == 403
    assert robot.patch(itself, {"name": "narrower"}, format="json", headers=any_state).status_code == 200


def test_the_description_has_every_route_is_valid_and_makes_no_warnings() -> None:
    GENERATOR_STATS.reset()
    answer = of_root().get("/api/v1/openapi.json")
    described = {
        f"{method} {path.removeprefix('/api/v1/')}"
        for path, methods in answer.json()["paths"].items()
        for method in methods
    }
    assert described == set(management_routes()) - {"get openapi.json"}
    assert not GENERATOR_STATS
    validate_schema(answer.json())


def test_the_page_of_the_apis_runs_only_our_own_files() -> None:
    answer = of_root().get("/docs")
    assert answer.status_code == 200
    assert "unsafe" not in answer["Content-Security-Policy"]
    assert "<script>" not in answer.content.decode()


def test_a_key_makes_keys_of_its_own_owner_only_which_never_can_do_more_than_itself() -> None:
    soon = timezone.now() + timedelta(days=1)
    boss, group = factories.superuser("boss"), Group.objects.create(name="lab")
    robot = of_secret(create_key("robot", boss, scopes=["manage"], allowed_models=["lab/*"], expires_at=soon)[1])
    wanted = {"name": "child", "scopes": ["manage"]}
    for more, words in (
        ({"scopes": ["inference"]}, "scopes that it does not have"),
        ({"allowed_models": ["other"]}, "it is for lab/*"),
        ({"expires_at": "2999-01-01T00:00:00Z"}, "lives longer than itself"),
        ({"group": group.name}, "of its own user or group only"),
        ({"user": factories.user("eve").username}, "of its own user or group only"),
    ):
        answer = robot.post("/api/v1/keys", wanted | more, format="json")
        assert (answer.status_code, words in assert_envelope(answer.json(), "permission_denied")) == (403, True), more
    child = robot.post("/api/v1/keys", wanted, format="json").json()
    assert (child["allowed_models"], datetime.fromisoformat(child["expires_at"])) == (["lab/*"], soon)
    grandchild = of_secret(child["secret"]).post("/api/v1/keys", wanted, format="json")
    assert "was made by a key" in assert_envelope(grandchild.json(), "permission_denied")


def test_a_key_rotates_itself_and_what_it_made_and_sees_no_secret_of_another() -> None:
    boss = factories.superuser("boss")
    robot, secret = create_key("robot", boss, scopes=["manage", "inference"])
    other, child = create_key("other", boss)[0], create_key("child", boss, parent=robot)[0]
    rotated = [of_secret(secret).post(f"/api/v1/keys/{key.pk}/rotate", {}, format="json") for key in (other, child)]
    assert [answer.status_code for answer in rotated] == [403, 201]
    itself = of_secret(secret).post(f"/api/v1/keys/{robot.pk}/rotate", {}, format="json").json()
    assert ApiKey.objects.get(pk=rotated[1].json()["id"]).parent_id == itself["id"]
