"""Who may do what: root, staff with a permission, staff without any, and strangers."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission
from django.test import Client
from django.urls import reverse

from registry.models import Deployment
from tests.registry import factories

pytestmark = [pytest.mark.database, pytest.mark.django_db]

INDEX = reverse("admin:index")
OVERVIEW = reverse("admin:registry_overview")
DEPLOYMENTS = reverse("admin:registry_deployment_changelist")
BUTTONS = ("deploy", "stop", "restart")


def order(client: Client, deployment: Deployment, button: str) -> int:
    url = reverse(f"admin:registry_deployment_{button}", args=[deployment.pk])
    return int(client.post(url, {"_form_submitted": "on"}).status_code)


def test_staff_who_may_look_sees_deployments_but_no_buttons(login: Any) -> None:
    made = factories.deployment()
    viewer = login("view_deployment")
    page = viewer.get(reverse("admin:registry_deployment_change", args=[made.pk])).content.decode()
    assert "about to start" in page
    assert not any(reverse(f"admin:registry_deployment_{button}", args=[made.pk]) in page for button in BUTTONS)


@pytest.mark.parametrize("button", BUTTONS)
def test_staff_who_may_look_cannot_order_anything(login: Any, button: str) -> None:
    made = factories.deployment(paused=button == "deploy")
    assert order(login("view_deployment"), made, button) == 403
    after = Deployment.objects.get()
    assert (after.paused, after.renewed_at) == (made.paused, made.renewed_at)


def test_staff_who_may_look_cannot_order_from_the_list_either(login: Any) -> None:
    made = factories.deployment()
    entered = {"action": "stop_selected", "_selected_action": [made.pk], "_form_submitted": "on"}
    login("view_deployment").post(DEPLOYMENTS, entered)
    assert not Deployment.objects.get().paused


def test_staff_who_may_change_orders(login: Any) -> None:
    made = factories.deployment()
    assert order(login("view_deployment", "change_deployment"), made, "stop") == 302
    assert Deployment.objects.get().paused


def test_a_page_that_one_may_not_open_says_so_and_leads_back(login: Any) -> None:
    refused = login("view_deployment").get(reverse("admin:auth_user_changelist"))
    page = refused.content.decode()
    assert refused.status_code == 403
    assert "Your account, ada, has no permission for this page." in page
    assert f'href="{INDEX}"' in page


def test_staff_without_permissions_is_told_so_and_sees_no_rows(login: Any) -> None:
    factories.deployment("secret-project")
    nobody = login()
    page = nobody.get(INDEX).content.decode()
    assert "Ask an administrator to put your account, <b>ada</b>, into a group" in page
    assert "secret-project" not in page + nobody.get(OVERVIEW).content.decode()
    assert nobody.get(DEPLOYMENTS).status_code == 403


def test_the_overview_shows_only_what_one_may_look_at(login: Any) -> None:
    factories.fleet(1)
    page = login("view_node").get(OVERVIEW).content.decode()
    assert 'aria-label="Nodes"' in page
    assert 'aria-label="Deployments"' not in page
    assert 'aria-label="Last failures"' not in page


@pytest.mark.parametrize("url", [INDEX, DEPLOYMENTS])
def test_a_stranger_is_sent_to_the_login(client: Client, url: str) -> None:
    answer = client.get(url)
    assert answer.status_code == 302
    assert "/login/" in answer.headers["Location"]


def test_a_stranger_gets_no_part_of_a_page_and_an_expired_page_reloads(client: Client) -> None:
    made = factories.deployment()
    for url in (OVERVIEW, reverse("admin:registry_deployment_now", args=[made.pk])):
        answer = client.get(url)
        assert (answer.status_code, answer.content, answer.headers["HX-Refresh"]) == (403, b"", "true")


def test_a_user_who_is_no_staff_is_a_stranger_here(client: Client) -> None:
    client.force_login(factories.user("visitor", is_staff=False))
    assert client.get(OVERVIEW).status_code == 403
    assert client.get(INDEX).status_code == 302


def test_nobody_edits_what_machines_write(root: Client) -> None:
    made = factories.deployment()
    worker = factories.worker(made, factories.device(factories.node()))
    url = reverse("admin:registry_worker_change", args=[worker.pk])
    assert root.post(url, {"state": "STOPPED"}).status_code == 403
    assert root.get(reverse("admin:registry_node_add")).status_code == 403


def parts() -> list[str]:
    """Every address that answers with a piece of a page, or with a page of our own making."""
    made = factories.deployment()
    node = factories.node()
    worker = factories.worker(made, factories.device(node))
    of = {"deployment": made.pk, "node": node.pk, "worker": worker.pk}
    pieces = {
        "deployment": ("now", "events", "revisions", "diff"),
        "node": ("now", "events"),
        "worker": ("now", "events", "log", "log_new"),
    }
    return [
        *(reverse(f"admin:registry_{noun}_{piece}", args=[of[noun]]) for noun in pieces for piece in pieces[noun]),
        reverse("admin:registry_alarm"),
    ]


def test_every_piece_takes_the_permission_to_look_at_its_noun(login: Any, client: Client) -> None:
    urls = parts()
    nobody, viewer = login(name="no"), login("view_deployment", "view_node", "view_worker", name="vi")
    assert {nobody.get(url).status_code for url in urls} == {403}
    assert {viewer.get(url).status_code for url in urls} == {200}
    assert {client.get(url).status_code for url in urls} <= {302, 403}


def test_what_machines_report_is_text_and_nothing_else(root: Client) -> None:
    strangers = [{"pid": 1, "name": "<b>evil</b>", "bytes": 5}]
    node = factories.node(labels={"zone": "<i>"}, hostname="<u>host</u>")
    device = factories.device(node, name="<s>card</s>", foreign_processes=strangers, quarantine="<em>pid</em>")
    worker = factories.failed_worker(factories.deployment(), "<a>reason</a>", hint="<p>hint</p>", node=node)
    rows = {"node": node, "device": device, "worker": worker}
    pages = [reverse(f"admin:registry_{noun}_change", args=[row.pk]) for noun, row in rows.items()]
    pages += [INDEX, *(reverse(f"admin:registry_{noun}_changelist") for noun in rows)]
    shown = "".join(root.get(page).content.decode() for page in pages)
    raw = ("<b>evil", "<i>", "<u>host", "<s>card", "<em>pid", "<a>reason", "<p>hint")
    assert not [written for written in raw if written in shown]
    assert "&lt;b&gt;evil" in shown


def test_what_a_group_may_do_is_a_table_of_boxes(login: Any) -> None:
    group, (look, order) = Group.objects.create(name="night shift"), rights("view_node", "change_node")
    group.permissions.add(look)
    page = reverse("admin:auth_group_change", args=[group.pk])
    root = login("view_group", "change_group")
    boxes = re.findall('<input[^>]* aria-label="[a-z]+ node"[^>]*>', root.get(page).content.decode())
    assert [box.endswith(" checked>") for box in boxes] == [True, False, False, False]
    assert root.post(page, {"name": "night shift", "permissions": [order.pk]}).status_code == 302
    assert list(group.permissions.all()) == [order]


def rights(*codenames: str) -> list[Permission]:
    return [Permission.objects.get(codename=codename) for codename in codenames]
