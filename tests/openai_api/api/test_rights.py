"""Who may do what on every route of the management API. The routes are walked: one that has no row here fails."""

from __future__ import annotations

from datetime import timedelta

import pytest
from api_client import management_routes, nowhere, of_key, of_person, of_root, of_secret, of_user
from django.contrib.auth.models import Group, Permission
from django.utils import timezone
from error_shape import assert_envelope
from rest_framework.test import APIClient

from openai_api.keys import create_key, revoke
from openai_api.models import ApiKey, Limit, Usage
from registry.models import Event
from tests.registry import factories

pytestmark = [pytest.mark.database, pytest.mark.django_db]

# What each route takes of Django's permissions. OWN: none, everybody has to do with their own; ANYBODY: none at all.
OWN, ANYBODY = "own", "anybody"
TAKES = {
    "get models": "view_model",
    "post models": "add_model",
    "get models/{name}": "view_model",
    "patch models/{name}": "change_model",
    "delete models/{name}": "delete_model",
    "get deployments": "view_deployment",
    "post deployments": "add_deployment",
    "get deployments/{name}": "view_deployment",
    "patch deployments/{name}": "change_deployment",
    "delete deployments/{name}": "delete_deployment",
    "get deployments/{name}/status": "view_deployment",
    "get deployments/{name}/revisions": "view_deployment",
    **{f"post deployments/{{name}}/{order}": "change_deployment" for order in ("stop", "start", "restart", "scale")},
    "get workers": "view_worker",
    "get workers/{launch_id}": "view_worker",
    "get workers/{launch_id}/log": "view_worker",
    "get nodes": "view_node",
    "get nodes/{name}": "view_node",
    "delete nodes/{name}": "delete_node",
    **{f"post nodes/{{name}}/{order}": "change_node" for order in ("cordon", "uncordon", "drain", "label")},
    "get devices": "view_device",
    "get devices/{id}": "view_device",
    "get events": "view_event",
    "get events/{id}": "view_event",
    "get keys": OWN,
    "post keys": "add_apikey",
    "get keys/{id}": OWN,
    "patch keys/{id}": "change_apikey",
    "post keys/{id}/revoke": OWN,
    "post keys/{id}/rotate": "add_apikey",
    "get limits": OWN,
    "post limits": "add_limit",
    "get limits/{id}": OWN,
    "patch limits/{id}": "change_limit",
    "delete limits/{id}": "delete_limit",
    "get usage": OWN,
    "get usage/summary": OWN,
    "get usage/{id}": OWN,
    "get openapi.json": ANYBODY,
}


def ask(client: APIClient, route: str) -> int:
    method = route.partition(" ")[0]
    answer = getattr(client, method)(nowhere(route), {} if method not in {"get", "delete"} else None, format="json")
    if answer.status_code >= 400:
        assert_envelope(answer.json(), answer.json()["error"]["code"])
    return int(answer.status_code)


def test_every_route_is_placed() -> None:
    assert set(management_routes()) == set(TAKES)


def test_strangers_and_keys_that_are_over_are_told_to_bring_a_key_on_every_route() -> None:
    boss = factories.superuser("boss")
    revoked, gone = create_key("gone", boss, scopes=["manage"])
    revoke([revoked])
    _, old = create_key("old", boss, scopes=["manage"], expires_at=timezone.now() - timedelta(days=1))
    for client in (APIClient(), of_secret("my-wrong"), of_secret(gone), of_secret(old)):
        assert {ask(client, route) for route in TAKES} == {401}


def test_a_superuser_is_let_in_everywhere() -> None:
    root = of_root()
    assert not {route for route in TAKES if ask(root, route) in {401, 403, 405, 500}}


def test_each_route_takes_its_permission_and_is_content_with_no_other() -> None:
    few, many = factories.user("few", is_staff=False), factories.user("many", is_staff=False)
    many.user_permissions.set(Permission.objects.all())
    with_it, with_others = of_person(few), of_person(many)
    for needed in sorted(set(TAKES.values()) - {OWN, ANYBODY}):
        permission = Permission.objects.get(codename=needed)
        few.user_permissions.set([permission])
        many.user_permissions.remove(permission)
        for route in (route for route, takes in TAKES.items() if takes == needed):
            assert (ask(with_it, route) == 403, ask(with_others, route) == 403) == (False, True), route
        many.user_permissions.add(permission)


def test_a_member_without_permissions_gets_what_is_the_own_and_nothing_else() -> None:
    member = of_user("bob")
    assert {route for route in TAKES if ask(member, route) != 403} == {
        route for route, takes in TAKES.items() if takes in {OWN, ANYBODY}
    }


@pytest.mark.parametrize(("scope", "methods"), [("inference", set()), ("read", {"get"}), ("manage", None)])
def test_a_key_does_what_its_scopes_say_even_of_a_superuser(scope: str, methods: set[str] | None) -> None:
    key = of_key(scope)
    for route, takes in TAKES.items():
        allowed = takes == ANYBODY or methods is None or route.partition(" ")[0] in methods
        assert (ask(key, route) != 403) == allowed, route


def test_a_group_s_key_has_the_permissions_of_the_group_and_no_more() -> None:
    group = Group.objects.create(name="lab")
    group.permissions.set(Permission.objects.filter(codename="view_node"))
    key = of_key("manage", group=group)
    allowed = {route for route in TAKES if ask(key, route) != 403}
    assert allowed == {route for route, takes in TAKES.items() if takes in {OWN, ANYBODY, "view_node"}}
    assert [row["group"] for row in key.get("/api/v1/keys").json()["results"]] == ["lab"]


def test_what_is_somebody_else_s_is_not_there() -> None:
    ada, group = factories.user("ada"), Group.objects.create(name="lab")
    key, _ = create_key("hers", ada)
    limits = [Limit.objects.create(user=ada, concurrent=1), Limit.objects.create(group=group, concurrent=1)]
    used = Usage.objects.create(
        id="00000000-0000-0000-0000-000000000001",
        user_id=ada.pk,
        status=200,
        duration_ms=1.0,
        began_at=timezone.now(),
    )
    mine = [f"keys/{key.pk}", f"usage/{used.pk}", *(f"limits/{limit.pk}" for limit in limits)]
    ada.groups.add(group)
    stranger = of_user("bob")
    seen = {path: [asker.get(f"/api/v1/{path}") for asker in (of_person(ada), stranger)] for path in mine}
    assert {tuple(answer.status_code for answer in answers) for answers in seen.values()} == {(200, 404)}
    nothing = stranger.get("/api/v1/keys/999").json()
    assert all(answers[1].json() == nothing for answers in seen.values())
    assert of_person(ada).get("/api/v1/limits").json()["count"] == 2
    assert stranger.post(f"/api/v1/keys/{key.pk}/revoke", {}, format="json").status_code == 404


def test_a_key_of_somebody_who_left_is_let_in_no_more() -> None:
    bob = factories.user("bob")
    _, secret = create_key("one", bob, scopes=["read"])
    assert of_secret(secret).get("/api/v1/keys").status_code == 200
    bob.is_active = False
    bob.save()
    assert of_secret(secret).get("/api/v1/keys").status_code == 401


def test_a_session_without_the_csrf_token_changes_nothing() -> None:
    client = APIClient(enforce_csrf_checks=True)
    client.force_login(factories.superuser())
    for route in TAKES:
        if not route.startswith("get"):
            assert ask(client, route) == 403
    assert not Event.objects.exists()


def test_nobody_makes_a_key_that_can_do_more_than_who_makes_it() -> None:
    factories.superuser("boss")
    bob = of_user("bob", "add_apikey")
    wanted = {"name": "x", "user": "boss", "scopes": ["manage"]}
    assert bob.post("/api/v1/keys", wanted, format="json").status_code == 403
    own = bob.post("/api/v1/keys", {"name": "x", "scopes": ["manage"]}, format="json")
    assert own.status_code == 201
    robot = of_secret(own.json()["secret"])
    wider = robot.post("/api/v1/keys", {"name": "y", "scopes": ["inference"]}, format="json")
    assert wider.status_code == 403
    assert ApiKey.objects.filter(name="y").count() == 0
