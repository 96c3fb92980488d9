"""What each of the three groups may do on every page and with every button of the admin: no less, and no more."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, Permission, User
from django.db.models import Model as Row
from django.test import Client
from django.urls import reverse

from modelyard import groups
from modelyard.models import StandardGroup
from openai_api import keys
from openai_api.models import Limit
from pages.models import Preset
from registry.models import Deployment
from tests.registry import factories
from tests.support.usage_rows import usage_row

pytestmark = [pytest.mark.database, pytest.mark.django_db]

# v: look, a: add, c: change, d: delete. Machines write the rest; nobody adds or deletes a node.
VIEWER = dict.fromkeys(("alias", "deployment", "device", "event", "model", "node", "revision", "worker"), "v")
OPERATOR = VIEWER | {"alias": "vacd", "deployment": "vacd", "model": "vacd", "node": "vc"}
PEOPLE = dict.fromkeys(("user", "group", "apikey", "limit", "preset", "contestant", "pairing"), "vacd")
ROLES = {"viewer": VIEWER, "operator": OPERATOR, "admin": OPERATOR | PEOPLE | {"usage": "v", "battle": "v"}}
# The permission that a button takes.
BUTTONS = {
    "deployment": dict.fromkeys(("deploy", "stop", "restart"), "change_deployment"),
    "node": dict.fromkeys(("cordon", "uncordon", "drain", "label"), "change_node") | {"remove": "delete_node"},
    "model": {"deploy_it": "add_deployment"},
    "apikey": dict.fromkeys(("rotate", "revoke"), "change_apikey"),
}
PIECES = {("usage", "v"): [("totals", ["model"]), ("export", [])], ("deployment", "a"): [("fit_new", [])]}


@pytest.fixture
def rows() -> dict[str, Row]:
    """One of everything."""
    groups.ensure()
    factories.fleet(1)
    key, _ = keys.create_key("nightly", factories.user("owner", is_staff=False))
    usage_row().save()
    Limit.objects.create(key=key, requests_per_minute=5)
    Preset.objects.create(name="Translator")
    return {noun: found for noun, kind in nouns() if (found := kind.objects.order_by("pk").first()) is not None}


def nouns() -> Iterator[tuple[str, Any]]:
    for kind in admin.site._registry:
        yield str(kind._meta.model_name), kind


def of(role: str) -> Client:
    person = factories.user(role)
    person.groups.add(Group.objects.get(name=role))
    client = Client()
    client.force_login(person)
    return client


def place(noun: str, page: str) -> str:
    kind = dict(nouns())[noun]
    return f"admin:{kind._meta.app_label}_{noun}_{page}"


def opens(client: Client, noun: str, row: Row | None) -> str:
    """The letters of what this person may do with a noun."""
    asked = {"v": client.get(reverse(place(noun, "changelist"))), "a": client.get(reverse(place(noun, "add")))}
    if row is not None:
        page = reverse(place(noun, "change"), args=[row.pk])
        asked |= {"c": client.post(page, {}), "d": client.get(reverse(place(noun, "delete"), args=[row.pk]))}
    assert {answer.status_code for answer in asked.values()} <= {200, 302, 403}
    return "".join(letter for letter, answer in asked.items() if answer.status_code != 403)


@pytest.mark.parametrize("role", ROLES)
def test_pages_open_for_whom_they_are(role: str, rows: dict[str, Row]) -> None:
    client = of(role)
    found = {noun: opens(client, noun, rows.get(noun)) for noun, _ in nouns()}
    assert {noun: letters for noun, letters in found.items() if letters} == {
        noun: letters if noun in rows else letters.replace("c", "").replace("d", "")
        for noun, letters in ROLES[role].items()
        if noun in found
    }


@pytest.mark.parametrize("role", ROLES)
def test_buttons_work_for_whom_they_are(role: str, rows: dict[str, Row]) -> None:
    client, may = of(role), {permission.codename for permission in groups.permissions_of(role)}
    for noun, buttons in BUTTONS.items():
        assert set(admin.site._registry[dict(nouns())[noun]].actions_detail) == set(buttons)
        for button, permission in buttons.items():
            answer = client.post(reverse(place(noun, button), args=[rows[noun].pk]), {"_form_submitted": "on"})
            assert (answer.status_code != 403) == (permission in may), button


@pytest.mark.parametrize("role", ROLES)
def test_other_pieces_open_for_whom_they_are(role: str, rows: dict[str, Row]) -> None:
    client = of(role)
    for (noun, letter), pieces in PIECES.items():
        for page, arguments in pieces:
            url = reverse(place(noun, page), args=arguments)
            answer = client.get(url) if letter == "v" else client.post(url)
            assert (answer.status_code != 403) == (letter in ROLES[role].get(noun, "")), page


def test_a_viewer_changes_nothing_whatever_is_sent(rows: dict[str, Row]) -> None:
    client, before = of("viewer"), _all()
    for noun, row in rows.items():
        for page, sent in {"change": {"name": "x"}, "delete": {"post": "yes"}}.items():
            client.post(reverse(place(noun, page), args=[row.pk]), sent)
        client.post(reverse(place(noun, "add")), {"name": "x", "username": "x"})
        for action in [*(admin.site._registry[type(row)].actions or ()), "delete_selected"]:
            chosen = {"action": action, "_selected_action": [row.pk], "_form_submitted": "on", "post": "yes"}
            client.post(reverse(place(noun, "changelist")), chosen)
    assert _all() == before


def _all() -> dict[str, list[Any]]:
    told = {noun: list(kind.objects.order_by("pk").values()) for noun, kind in nouns()}
    return told | {"rights": list(User.user_permissions.through.objects.order_by("pk").values())}


def test_an_operator_scales_and_the_timeline_names_it(rows: dict[str, Row]) -> None:
    client, row = of("operator"), rows["deployment"]
    page = client.get(reverse(place("deployment", "change"), args=[row.pk]))
    shown = page.context["adminform"].form
    sent = {name: shown[name].value() for name in shown.fields}
    filled = {name: value for name, value in sent.items() if value is not None and value is not False}
    client.post(reverse(place("deployment", "change"), args=[row.pk]), filled | {"replicas": 3})
    after = Deployment.objects.get(pk=row.pk)
    assert (after.replicas, after.events.first().actor) == (3, "operator")  # type: ignore[union-attr]


def test_a_member_of_admin_makes_no_superuser_and_cannot_become_one(rows: dict[str, Row]) -> None:
    client, root = of("admin"), factories.superuser()
    for page in ("change", "delete"):
        assert client.post(reverse(place("user", page), args=[root.pk]), {"post": "yes"}).status_code == 403
    assert client.get(reverse("admin:auth_user_password_change", args=[root.pk])).status_code == 403
    mine = User.objects.get(username="admin")
    sent = {
        "username": "admin",
        "is_staff": "on",
        "is_active": "on",
        "is_superuser": "on",
        "date_joined_0": "2026-01-01",
    }
    client.post(reverse(place("user", "change"), args=[mine.pk]), sent | {"date_joined_1": "00:00"})
    chosen = {"action": "delete_selected", "_selected_action": [root.pk], "post": "yes"}
    client.post(reverse(place("user", "changelist")), chosen)
    assert list(User.objects.filter(is_superuser=True)) == [root]


def test_a_group_that_people_changed_stays_as_it_is() -> None:
    assert groups.ensure() == ["viewer", "operator", "admin"]
    viewer = Group.objects.get(name="viewer")
    viewer.permissions.clear()
    Group.objects.get(name="operator").delete()
    Group.objects.filter(name="admin").update(name="chiefs")
    assert groups.ensure() == ["operator"]
    assert not viewer.permissions.exists()
    assert set(Group.objects.values_list("name", flat=True)) == {"viewer", "operator", "chiefs"}


def test_a_later_version_brings_what_is_new_in_it_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    groups.ensure()
    viewer = Group.objects.get(name="viewer")
    viewer.permissions.remove(Permission.objects.get(codename="view_node"))
    viewer.permissions.add(Permission.objects.get(codename="view_apikey"))
    later = {"openai_api": {"usage": ("view",)}}
    monkeypatch.setattr(groups, "GROUPS", {**groups.GROUPS, "viewer": (groups.SEE, later)})
    assert (groups.ensure(), groups.ensure()) == (["viewer"], [])
    expected = {f"view_{noun}" for noun in (*groups.SEEN, "usage", "apikey")} - {"view_node"}
    assert set(viewer.permissions.values_list("codename", flat=True)) == expected


def test_groups_from_before_that_was_written_down_get_what_came_since() -> None:
    groups.ensure()
    StandardGroup.objects.all().delete()
    admin, battle = Group.objects.get(name="admin"), Permission.objects.get(codename="view_battle")
    admin.permissions.remove(battle, Permission.objects.get(codename="view_limit"))
    assert groups.ensure() == ["admin"]
    assert set(groups.permissions_of("admin")) - set(admin.permissions.all()) == {
        Permission.objects.get(codename="view_limit")
    }


@pytest.mark.parametrize("role", ROLES)
def test_every_permission_of_a_group_exists(role: str) -> None:
    verbs = [verb for grants in groups.GROUPS[role] for nouns in grants.values() for verb in nouns.values()]
    assert len(groups.permissions_of(role)) == sum(map(len, verbs))
