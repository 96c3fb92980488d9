"""What operators order of nodes: asked first, through `desired`, with permissions, and refused in a sentence."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db.models.functions import Now
from django.test import Client
from django.urls import reverse

from registry.models import Event, Node, Worker
from tests.registry import factories

pytestmark = [pytest.mark.database, pytest.mark.django_db]

LIST = reverse("admin:registry_node_changelist")
ORDERS = ("cordon", "uncordon", "drain", "label", "remove")
ANSWERS: dict[str, dict[str, Any]] = {"drain": {"minutes": 5}, "label": {"labels": "zone=a"}}


def page(node: Node) -> str:
    return reverse("admin:registry_node_change", args=[node.pk])


def press(client: Client, node: Node, order: str, **answers: Any) -> str:
    url = reverse(f"admin:registry_node_{order}", args=[node.pk])
    entered = {"_form_submitted": "on"} | ANSWERS.get(order, {}) | answers
    return str(client.post(url, entered, follow=True).content.decode())


def choose(client: Client, order: str, *nodes: Node, **answers: Any) -> str:
    entered = {"action": f"{order}_selected", "_selected_action": [node.pk for node in nodes]} | answers
    return str(client.post(LIST, entered, follow=True).content.decode())


def test_a_cordon_is_written_with_who_made_it_and_taken_back(login: Any) -> None:
    made = factories.node()
    operator = login("view_node", "change_node", name="grace")
    assert "node-a is cordoned." in press(operator, made, "cordon")
    assert Node.objects.get().cordoned
    assert "node-a takes workers again." in press(operator, made, "uncordon")
    assert not Node.objects.get().cordoned
    assert list(Event.objects.values_list("actor", "subject", "reason")) == [
        ("grace", "node node-a", "uncordon"),
        ("grace", "node node-a", "cordon"),
    ]


def test_a_drain_asks_for_its_deadline_and_says_how_many_workers_there_are(root: Client) -> None:
    made = factories.node()
    factories.worker(factories.deployment(), factories.device(made))
    url = reverse("admin:registry_node_drain", args=[made.pk])
    question = root.get(url, headers={"HX-Request": "true"}).content.decode()
    assert "1 worker runs there now" in question
    assert 'name="minutes"' in question
    assert "node-a drains." in press(root, made, "drain", minutes=30)
    after = Node.objects.annotate(left=Now()).get()
    assert after.drain_deadline - after.left > timedelta(minutes=29)


def test_a_question_opened_in_a_tab_of_its_own_leads_to_the_nodes_page(root: Client) -> None:
    made = factories.node()
    opened = root.get(reverse("admin:registry_node_drain", args=[made.pk]), follow=True)
    assert opened.request["PATH_INFO"] == page(made)
    assert Node.objects.get().drain_deadline is None


@pytest.mark.parametrize(("minutes", "complaint"), [("", "required"), ("-1", "greater than or equal"), ("x", "whole")])
def test_a_deadline_that_is_none_drains_nothing(root: Client, minutes: str, complaint: str) -> None:
    made = factories.node()
    assert complaint in press(root, made, "drain", minutes=minutes)
    assert Node.objects.get().drain_deadline is None


def test_a_node_that_is_online_is_removed_by_force_only(root: Client) -> None:
    made = factories.node()
    factories.worker(factories.deployment(), factories.device(made))
    assert "The agent of node-a is running: stop it first" in press(root, made, "remove")
    assert Node.objects.exists()
    left = press(root, made, "remove", force="on")
    assert "node-a is removed." in left
    assert "Perhaps it was deleted" not in left
    assert not Node.objects.exists()
    assert Worker.objects.get().state == "LOST"


def test_several_nodes_are_ordered_after_one_question(root: Client) -> None:
    nodes = [factories.node("node-a"), factories.node("node-b")]
    factories.worker(factories.deployment(), factories.device(nodes[1]))
    question = choose(root, "drain", *nodes)
    assert "Drain 2 nodes?" in question
    assert "1 worker<" in question
    assert not Node.objects.filter(cordoned=True).exists()
    assert "node-a, node-b drain." in choose(root, "drain", *nodes, _form_submitted="on", minutes=3)
    assert Node.objects.filter(cordoned=True).count() == 2


def test_a_mistake_in_the_question_is_asked_again_with_what_was_wrong(root: Client) -> None:
    made = factories.node()
    again = choose(root, "label", made, _form_submitted="on", labels="zone")
    assert "write key=value, or key- to delete one" in again
    assert "Label this node?" in again


def test_labels_are_set_and_deleted_by_order(root: Client) -> None:
    made = factories.node(labels={"zone": "a", "old": "yes"})
    press(root, made, "label", labels="zone=b old- disk=fast")
    assert Node.objects.get().labels == {"zone": "b", "disk": "fast"}


def test_the_page_edits_labels_and_touches_nothing_else(login: Any) -> None:
    made = factories.node(hostname="rack-1", labels={"zone": "a", "disk": "fast"})
    operator = login("view_node", "change_node", name="grace")
    assert 'value="disk=fast zone=a"' in operator.get(page(made)).content.decode()
    operator.post(page(made), {"labels": "zone=c", "hostname": "elsewhere", "cordoned": "on"})
    after = Node.objects.get()
    assert (after.labels, after.hostname, after.cordoned) == ({"zone": "c"}, "rack-1", False)


@pytest.mark.parametrize(
    ("written", "complaint"), [("=a", "is no label"), ("no good=1", "is no label"), ("-x=1", "cannot be a label")]
)
def test_a_label_that_is_none_is_refused_and_nothing_is_kept(root: Client, written: str, complaint: str) -> None:
    made = factories.node(labels={"zone": "a"})
    assert complaint in root.post(page(made), {"labels": written}, follow=True).content.decode()
    assert Node.objects.get().labels == {"zone": "a"}


@pytest.mark.parametrize("order", ORDERS)
def test_who_may_only_look_orders_nothing(login: Any, order: str) -> None:
    made = factories.node()
    viewer = login("view_node")
    url = reverse(f"admin:registry_node_{order}", args=[made.pk])
    assert viewer.post(url, {"_form_submitted": "on"} | ANSWERS.get(order, {})).status_code == 403
    assert url not in viewer.get(page(made)).content.decode()
    choose(viewer, order, made, _form_submitted="on", **ANSWERS.get(order, {}))
    assert list(Node.objects.values_list("cordoned", "labels")) == [(False, {})]


def test_who_may_change_nodes_may_not_remove_them(login: Any) -> None:
    made = factories.node(left_at=Now())
    operator = login("view_node", "change_node")
    url = reverse("admin:registry_node_remove", args=[made.pk])
    assert operator.post(url, {"_form_submitted": "on"}).status_code == 403
    choose(operator, "remove", made, _form_submitted="on")
    assert Node.objects.exists()
    remover = login("view_node", "delete_node", name="grace")
    assert remover.post(url, {"_form_submitted": "on"}).status_code == 302
    assert not Node.objects.exists()


@pytest.mark.parametrize("order", ORDERS)
def test_a_stranger_is_sent_to_the_login(client: Client, order: str) -> None:
    made = factories.node()
    answer = client.post(reverse(f"admin:registry_node_{order}", args=[made.pk]), {"_form_submitted": "on"})
    assert "/login/" in answer.headers["Location"]
    assert list(Node.objects.values_list("cordoned", "drain_deadline")) == [(False, None)]


def test_its_page_shows_devices_strangers_quarantine_workers_and_what_happened(root: Client) -> None:
    made = factories.node(simulated=True, disk_free_bytes=3 * 2**30, disk_total_bytes=900 * 2**30)
    stranger = [{"pid": 4711, "name": "python3", "bytes": 2 * 2**30}]
    facts = {"utilization_percent": 87, "temperature_c": 64, "power_w": 512}
    device = factories.device(made, foreign_processes=stranger, foreign_bytes=2 * 2**30, **facts)
    factories.device(made, 1, quarantine="pids 12 and 13 still hold 4 GiB")
    factories.worker(factories.deployment(), device)
    press(root, made, "cordon")
    shown = root.get(page(made)).content.decode()
    for words in ("simulated", "87 %, 64 °C, 512 W", "python3 (pid 4711)", "2 GiB held by others", "chat/0"):
        assert words in shown
    assert "pids 12 and 13 still hold 4 GiB" in shown
    assert 'yard-warning" title="3 GiB of 900 GiB"' in shown  # little disk is marked
    assert "cordon" in shown.partition('id="node-events"')[2]


def test_the_list_shows_what_is_simulated_how_full_it_is_and_who_is_in_trouble(root: Client) -> None:
    made = factories.node(simulated=True, labels={"zone": "a"}, disk_free_bytes=300 * 2**30)
    factories.device(made)
    factories.device(made, 1, quarantine="pid 12 still holds 4 GiB")
    shown = root.get(LIST).content.decode()
    for words in ("simulated", "zone=a", "2 × H100", "1 in trouble", "300 GiB", "20 GiB used, of 160 GiB"):
        assert words in shown


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"state": "online"}, {"fine"}),
        ({"state": "silent"}, {"late"}),
        ({"state": "cordoned"}, {"shut"}),
        ({"state": "left"}, {"gone"}),
        ({"state": "trouble"}, {"late"}),
        ({"label": "zone=a"}, {"fine"}),
        ({"label": "zone"}, {"fine", "shut"}),
        ({"state": "nonsense"}, {"fine", "late", "shut", "gone"}),
    ],
)
def test_the_list_is_filtered(root: Client, query: dict[str, str], found: set[str]) -> None:
    factories.node("fine", labels={"zone": "a"})
    late = factories.node("late", last_seen_at=Now() - timedelta(minutes=1))
    factories.device(late, quarantine="pid 12")
    factories.node("shut", cordoned=True, labels={"zone": "b"})
    factories.node("gone", left_at=Now())
    shown = root.get(LIST, query).context["cl"].result_list
    assert {node.name for node in shown} == found
