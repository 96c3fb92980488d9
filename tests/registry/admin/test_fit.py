"""«Would it fit?» under the form: the control plane's own answer, of which nothing is kept."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from registry.models import Deployment, Event, Revision
from tests.registry import factories

pytestmark = [pytest.mark.database, pytest.mark.django_db]

NEW = reverse("admin:registry_deployment_fit_new")


def form(**changes: Any) -> dict[str, Any]:
    entered = {"name": "chat", "replicas": 1, "engine": "echo", "options": "{}", "restart_budget": 5}
    times = {"start_timeout_s": 60, "load_timeout_s": 3600, "drain_timeout_s": 60, "hang_timeout_s": 120}
    return entered | {"strategy": "spread"} | times | changes


def ask(client: Client, url: str = NEW, **entered: Any) -> str:
    if "model" not in entered:
        entered["model"] = factories.model().pk
    answer = client.post(url, form(**entered))
    assert answer.status_code == 200
    return str(answer.content.decode())


def test_it_says_where_each_replica_would_go_and_what_it_would_claim(root: Client) -> None:
    node = factories.node()
    factories.device(node)
    factories.device(node, 1)
    shown = ask(root, replicas=2, memory="6GiB")
    assert "Fits: 2 replicas on node-a:" in shown
    assert "Replica 1" in shown
    assert "node-a:1 <small>6 GiB</small>" in shown
    assert "set by an operator" in shown
    assert "refused" not in shown


def test_it_says_why_each_device_is_refused_and_what_would_fit(root: Client) -> None:
    node = factories.node()
    factories.device(node)
    factories.device(node, 1, quarantine="pid 12 still holds 4 GiB")
    shown = ask(root, memory="300GiB")
    assert "Does not fit: 0 of 1 would." in shown
    assert "2 devices refused, and why" in shown
    assert "pid 12 still holds 4 GiB" in shown
    assert "What would fit" in shown
    assert "would fit on node-a:0 now" in shown


def test_a_form_that_is_not_complete_is_answered_with_what_is_missing(root: Client) -> None:
    shown = ask(root, memory="lots", name="")
    assert "Memory per replica: &#x27;lots&#x27; is not an amount of memory" in shown
    assert "Name: This field is required." in shown


def test_asking_keeps_nothing(root: Client) -> None:
    made = factories.deployment()
    factories.device(factories.node())
    before = (Event.objects.count(), Revision.objects.count())
    ask(root, model=made.model_id, name="another")
    ask(root, reverse("admin:registry_deployment_fit", args=[made.pk]), model=made.model_id, replicas=9)
    assert (Event.objects.count(), Revision.objects.count()) == before
    assert list(Deployment.objects.values_list("name", "replicas")) == [("chat", 1)]


def test_what_runs_already_stays_where_it_is(root: Client) -> None:
    made = factories.deployment()
    factories.worker(made, factories.device(factories.node()))
    shown = ask(root, reverse("admin:registry_deployment_fit", args=[made.pk]), model=made.model_id, replicas=1)
    assert "stays where it is" in shown


def test_a_large_fleet_is_answered_by_kinds(root: Client) -> None:
    for number in range(4):
        node = factories.node(f"node-{number}")
        for index in range(8):
            factories.device(node, index)
    shown = ask(root, memory="900GiB", gpus=1)
    assert "32 devices refused, and why" in shown
    assert ">32<" in shown
    assert "Each of them" in shown


def test_it_takes_the_permission_to_save(login: Any, client: Client) -> None:
    made = factories.deployment()
    viewer, adder = login("view_deployment", name="vi"), login("add_deployment", name="ad")
    own = reverse("admin:registry_deployment_fit", args=[made.pk])
    assert viewer.post(NEW, form()).status_code == 403
    assert viewer.post(own, form()).status_code == 403
    assert adder.post(NEW, form()).status_code == 200
    assert adder.post(own, form()).status_code == 403
    assert "/login/" in client.post(NEW, form()).headers["Location"]


def test_only_forms_are_answered(root: Client) -> None:
    assert root.get(NEW).status_code == 405
    assert root.post(reverse("admin:registry_deployment_fit", args=[4711]), form()).status_code == 404


def test_the_form_asks_by_itself_and_only_for_those_who_may_save(login: Any) -> None:
    made = factories.deployment()
    page = reverse("admin:registry_deployment_change", args=[made.pk])
    own = reverse("admin:registry_deployment_fit", args=[made.pk])
    assert own in login("change_deployment", name="ed").get(page).content.decode()
    assert own not in login("view_deployment", name="vi").get(page).content.decode()
