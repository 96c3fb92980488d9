"""The page of a worker: what became of it, what to do next, where it is, and who follows it."""

from __future__ import annotations

import pytest
from django.db.models.functions import Now
from django.test import Client
from django.urls import reverse

from inference.protocol.causes import Cause
from registry.admin.workerpage import CAUSES
from registry.models import Worker
from tests.registry import factories

pytestmark = [pytest.mark.database, pytest.mark.django_db]

LIST = reverse("admin:registry_worker_changelist")


def shown(client: Client, worker: Worker) -> str:
    return str(client.get(reverse("admin:registry_worker_change", args=[worker.pk])).content.decode())


def test_every_kind_of_failure_has_words() -> None:
    assert set(CAUSES) == set(Cause)


def test_a_failure_says_what_happened_and_what_to_do_next(root: Client) -> None:
    facts = {"cause": "gpu_memory", "hint": "Lower the context to 4096."}
    page = shown(root, factories.failed_worker(factories.deployment(), "no 9 GiB are free", **facts))
    assert "<b>Out of GPU memory</b><p>no 9 GiB are free</p><p>What to do: Lower the context to 4096.</p>" in page


def test_a_failure_without_a_hint_of_its_own_gets_the_one_of_its_kind(root: Client) -> None:
    page = shown(root, factories.failed_worker(factories.deployment(), "EADDRINUSE", cause="port_taken"))
    assert "<b>Its port is taken</b>" in page
    assert "What to do: Each start asks for a free port" in page


def test_a_worker_that_waits_says_why_it_has_no_place(root: Client) -> None:
    page = shown(root, factories.worker(factories.deployment(), state="PENDING", reason="no room: node-a:0 is full"))
    assert "<b>No place yet</b><p>no room: node-a:0 is full</p>" in page


def test_a_worker_that_does_not_answer_is_told_from_one_that_does(root: Client) -> None:
    made = factories.worker(factories.deployment(), factories.device(factories.node()))
    assert "It does not answer" not in shown(root, made)
    Worker.objects.update(unresponsive_since=Now())
    assert "It does not answer" in shown(root, made)


def test_it_shows_place_claims_process_end_and_timeline(root: Client) -> None:
    device = factories.device(factories.node(simulated=True), 3, quarantine="pid 12", simulated=True)
    process = {"pid": 4711, "process_started": 99, "boot_id": "b00t", "exit_code": -9, "exited_at": Now()}
    made = factories.worker(factories.deployment(), device, **process)
    factories.event(made.deployment, worker=made, to_state="READY", reason="warm and well")
    page = shown(root, made)
    assert reverse("admin:registry_device_change", args=[device.pk]) in page
    assert "pid 4711, started at tick 99 of boot b00t" in page
    assert "killed by signal 9" in page
    assert "warm and well" in page
    assert all(f">{mark}<" in page for mark in ("simulated", "quarantined"))


def test_it_leads_to_whom_it_replaces_and_who_replaces_it(root: Client) -> None:
    made, device = factories.deployment(), factories.device(factories.node())
    old = factories.worker(made, device)
    new = factories.worker(made, device, state="LOADING", replaces=old)
    assert "takes over from" in shown(root, new)
    assert reverse("admin:registry_worker_change", args=[old.pk]) in shown(root, new)
    assert "serves until the next is ready:" in shown(root, old)
    deployment = root.get(reverse("admin:registry_deployment_change", args=[made.pk])).content.decode()
    assert "takes over from" in deployment
    new.state = "STOPPED"
    new.save()
    assert "serves until the next is ready:" not in shown(root, old)


def test_lists_mark_what_is_simulated_and_name_several_devices_briefly(root: Client) -> None:
    node = factories.node(simulated=True)
    first, second = (factories.device(node, index, simulated=True) for index in (2, 3))
    made = factories.worker(factories.deployment(), first)
    made.claims.create(device=second, bytes=4 * factories.GIB)
    page = root.get(LIST).content.decode()
    assert "node-a:2,3" in page
    assert "2 × 4 GiB" in page
    assert ">simulated<" in page


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"life": "active"}, {"one"}),
        ({"life": "ended"}, {"two"}),
        ({"node": "node-a"}, {"one"}),
        ({"node": "node-"}, {"one", "two"}),
        ({"deployment": "two"}, {"two"}),
        ({"deployment": "nonsense"}, set()),
        ({"deployment": " ", "q": "one"}, {"one"}),
    ],
)
def test_the_list_is_filtered(root: Client, query: dict[str, str], found: set[str]) -> None:
    factories.worker(factories.deployment("one"), factories.device(factories.node("node-a")))
    factories.failed_worker(factories.deployment("two"), node=factories.node("node-ab"))
    listed = root.get(LIST, query).context["cl"].result_list
    assert {worker.deployment.name for worker in listed} == found


def test_a_worker_that_is_gone_is_no_error(root: Client) -> None:
    assert root.get(reverse("admin:registry_worker_now", args=[4711])).status_code == 403
    assert root.get(reverse("admin:registry_worker_change", args=[4711])).status_code == 302
