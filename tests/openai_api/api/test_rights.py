"""Who may do what on every route of the management API: the routes are walked, so that none can be forgotten."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from api_client import of_key, of_root, of_secret, of_user
from django.contrib.auth.models import Group, Permission
from django.urls import get_resolver
from error_shape import assert_envelope
from rest_framework.test import APIClient

from openai_api.keys import create_key, revoke
from openai_api.models import ApiKey
from registry.models import Event
from tests.registry import factories

pytestmark = [pytest.mark.database, pytest.mark.django_db]

PARTS = {
    "name": "none",
    "id": "999",
    "launch_id": "00000000-0000-0000-0000-000000000000",
}
OWN = {"/api/v1/keys", "/api/v1/keys/999", "/api/v1/keys/999/revoke", "/api/v1/usage"}
OWN.add("/api/v1/usage/00000000-0000-0000-0000-000000000000")


def routes() -> Iterator[tuple[str, str]]:
    """Every method of every route that is a view of the framework."""
    resolver = get_resolver()
    for name in filter(lambda key: isinstance(key, str) and key.startswith("api-"), resolver.reverse_dict):
        for template, parameters in resolver.reverse_dict.getlist(name)[0][0]:
            path = "/" + template % {each: PARTS["launch_id" if "usage" in name else each] for each in parameters}
            actions = getattr(resolver.resolve(path).func, "actions", None) or {"get": "schema"}
            yield from ((method, path) for method in actions)


ROUTES = sorted(set(routes()))


def ask(client: APIClient, method: str, path: str) -> int:
    answer = getattr(client, method)(path, {} if method not in {"get", "delete"} else None, format="json")
    if answer.status_code >= 400:
        assert_envelope(answer.json(), answer.json()["error"]["code"])
    return int(answer.status_code)


def test_the_walk_finds_the_routes() -> None:
    assert len(ROUTES) > 30
    assert ("post", "/api/v1/keys/999/rotate") in ROUTES


def test_strangers_are_told_to_bring_a_key_on_every_route() -> None:
    for client in (APIClient(), of_secret("my-wrong")):
        assert {ask(client, *route) for route in ROUTES} == {401}


def test_a_superuser_is_let_in_everywhere() -> None:
    root = of_root()
    assert not {route for route in ROUTES if ask(root, *route) in {401, 403, 405, 500}}


def test_a_member_without_permissions_sees_only_what_is_the_own() -> None:
    member = of_user("bob")
    allowed = {(method, path) for method, path in ROUTES if ask(member, method, path) != 403}
    assert {path for _, path in allowed} <= OWN | {"/api/v1/openapi.json"}
    assert ("post", "/api/v1/keys") not in allowed


def test_staff_with_view_permissions_reads_everything_and_writes_nothing() -> None:
    parts = ("model", "deployment", "worker", "node", "device", "event")
    viewer = of_user("eve", *(f"view_{part}" for part in parts))
    for method, path in ROUTES:
        refused = ask(viewer, method, path) == 403
        assert refused == (method != "get" and path != "/api/v1/keys/999/revoke"), (method, path)


@pytest.mark.parametrize(("scope", "methods"), [("inference", set()), ("read", {"get"}), ("manage", None)])
def test_a_key_does_what_its_scopes_say_even_of_a_superuser(scope: str, methods: set[str] | None) -> None:
    key = of_key(scope)
    for method, path in ROUTES:
        if path == "/api/v1/openapi.json":
            continue
        allowed = ask(key, method, path) != 403
        assert allowed == (methods is None or method in methods), (method, path)


def test_a_group_s_key_has_the_permissions_of_the_group_and_no_more() -> None:
    group = Group.objects.create(name="lab")
    group.permissions.set(Permission.objects.filter(codename="view_node"))
    key = of_key("manage", group=group)
    assert key.get("/api/v1/nodes").status_code == 200
    assert key.get("/api/v1/models").status_code == 403
    assert [row["group"] for row in key.get("/api/v1/keys").json()["results"]] == ["lab"]


def test_a_revoked_key_and_a_key_of_somebody_who_left_are_let_in_no_more() -> None:
    person = factories.user("bob")
    key, secret = create_key("one", person, scopes=["read"])
    assert of_secret(secret).get("/api/v1/keys").status_code == 200
    person.is_active = False
    person.save()
    assert of_secret(secret).get("/api/v1/keys").status_code == 401
    person.is_active = True
    person.save()
    revoke([key])
    assert "revoked" in assert_envelope(of_secret(secret).get("/api/v1/keys").json(), "not_authenticated")


def test_a_session_without_the_csrf_token_changes_nothing() -> None:
    client = APIClient(enforce_csrf_checks=True)
    client.force_login(factories.superuser())
    factories.node()
    answer: Any = client.post("/api/v1/nodes/node-a/cordon", {}, format="json")
    assert answer.status_code == 403
    assert not Event.objects.filter(reason="cordon").exists()


def test_nobody_makes_a_key_that_can_do_more_than_who_makes_it() -> None:
    factories.superuser("boss")
    bob = of_user("bob", "add_apikey")
    assert (
        bob.post("/api/v1/keys", {"name": "x", "user": "boss", "scopes": ["manage"]}, format="json").status_code == 403
    )
    own = bob.post("/api/v1/keys", {"name": "x", "scopes": ["manage"]}, format="json")
    assert own.status_code == 201
    robot = of_secret(own.json()["secret"])
    wider = robot.post("/api/v1/keys", {"name": "y", "scopes": ["inference"]}, format="json")
    assert wider.status_code == 403
    assert ApiKey.objects.filter(name="y").count() == 0
