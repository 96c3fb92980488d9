"""What operators do to deployments: saved, ordered and deleted through `desired`, and refused in a sentence."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from registry.models import Deployment, Event
from tests.registry import factories

pytestmark = [pytest.mark.database, pytest.mark.django_db]

LIST = reverse("admin:registry_deployment_changelist")
ADD = reverse("admin:registry_deployment_add")


def form(**changes: Any) -> dict[str, Any]:
    entered = {"name": "chat", "replicas": 1, "engine": "echo", "options": "{}", "memory": "", "restart_budget": 5}
    times = {"start_timeout_s": 60, "load_timeout_s": 3600, "drain_timeout_s": 60, "hang_timeout_s": 120}
    return entered | {"strategy": "spread"} | times | changes


def page(deployment: Deployment) -> str:
    return reverse("admin:registry_deployment_change", args=[deployment.pk])


def text_of(client: Client, url: str, **entered: Any) -> str:
    return str(client.post(url, entered, follow=True).content.decode())


def press(client: Client, deployment: Deployment, button: str) -> str:
    url = reverse(f"admin:registry_deployment_{button}", args=[deployment.pk])
    assert "_form_submitted" in client.get(url, headers={"HX-Request": "true"}).content.decode()  # it asks first
    return text_of(client, url, _form_submitted="on")


def test_a_new_deployment_is_written_with_who_made_it(login: Any) -> None:
    model = factories.model()
    operator = login("add_deployment", "view_deployment", name="grace")
    operator.post(ADD, form(model=model.pk, memory="1.5GiB", options='{"load_seconds": 1}'))
    made = Deployment.objects.get()
    assert (made.memory_bytes, made.options, made.paused) == (3 * 2**29, {"load_seconds": 1}, False)
    assert Event.objects.get().actor == "grace"
    assert made.revisions.get().claim_bytes == 3 * 2**29


@pytest.mark.parametrize(
    ("entered", "complaint"),
    [
        ({"options": "[1]"}, "options must be a JSON object"),
        ({"options": '{"device": "tpu"}'}, "device must be one of auto, cpu, cuda"),
        ({"options": "{nonsense"}, "Enter a valid JSON"),
        ({"memory": "lots"}, "is not an amount of memory: write it like 4GiB"),
        ({"memory": "0"}, "A replica needs some memory"),
        ({"name": "Upper Case"}, "Use lower-case letters"),
        ({"replicas": 1000}, "less than or equal to 256"),
        ({"gpus": 0}, "greater than or equal to 1"),
        ({"devices": "node-a"}, "names no devices: write a node and its devices, such as node-a:2,3"),
        ({"devices": "node-a:1,1"}, "the device 1 is named twice"),
        ({"node_labels": "zone"}, "is no label: write key=value"),
        ({"node_labels": "zone-"}, "is no label: write key=value"),
        ({"max_memory": "-4GiB"}, "is not an amount of memory"),
        ({"start_timeout_s": 0}, "greater than or equal to 1"),
        ({"strategy": "scatter"}, "not one of the available choices"),
    ],
)
def test_a_mistake_is_shown_in_the_form_and_nothing_is_kept(
    root: Client, entered: dict[str, Any], complaint: str
) -> None:
    model = factories.model()
    assert complaint in text_of(root, ADD, **form(model=model.pk) | entered)
    assert not Deployment.objects.exists()


def test_an_edit_of_an_option_makes_a_revision_and_an_edit_of_nothing_does_not(root: Client) -> None:
    made = factories.deployment(memory_bytes=3 * 2**29)
    same = form(model=made.model_id, memory="1536MiB")
    root.post(page(made), same)
    assert made.revisions.count() == 1
    root.post(page(made), same | {"options": '{"token_delay_ms": 5}'})
    assert made.revisions.count() == 2
    assert Event.objects.first().reason.startswith("edit: ")  # type: ignore[union-attr]  # there is one


def test_memory_is_shown_as_it_can_be_entered_again(root: Client) -> None:
    made = factories.deployment(memory_bytes=3 * 2**29)
    assert 'value="1536MiB"' in root.get(page(made)).content.decode()


def test_where_it_may_run_is_written_in_words_and_shown_as_it_was_written(root: Client) -> None:
    made, rack = factories.deployment(), factories.node()
    for index in (2, 3):
        factories.device(rack, index)
    place = {"gpus": 2, "max_memory": "20GiB", "devices": "node-a:2,3", "node_labels": "zone=a", "exclusive": "on"}
    root.post(page(made), form(model=made.model_id, strategy="pack", load_timeout_s=90, **place))
    after = Deployment.objects.get()
    assert (after.gpus, after.max_memory_per_gpu_bytes, after.devices) == (2, 20 * 2**30, "node-a:2,3")
    assert (after.node_labels, after.exclusive, after.strategy) == ({"zone": "a"}, True, "pack")
    shown = root.get(page(made)).content.decode()
    assert all(f'value="{words}"' in shown for words in ("20GiB", "node-a:2,3", "zone=a", "90"))


def test_a_saved_edit_says_what_is_hot_and_what_needs_new_workers(root: Client) -> None:
    made = factories.deployment()
    shown = text_of(root, page(made), **form(model=made.model_id, replicas=3, options='{"token_delay_ms": 5}'))
    assert "Hot, in force at once: replicas." in shown
    assert "Needs new workers: option token_delay_ms." in shown


def test_what_somebody_else_changed_meanwhile_stays(root: Client) -> None:
    made = factories.deployment()
    Deployment.objects.update(paused=True)
    root.post(page(made), form(model=made.model_id, replicas=3))
    after = Deployment.objects.get()
    assert (after.replicas, after.paused) == (3, True)


def test_a_mistake_in_a_folded_part_is_seen(root: Client) -> None:
    made = factories.deployment()
    assert "<details>" in root.get(page(made)).content.decode()
    assert "<details>" not in text_of(root, page(made), **form(model=made.model_id, devices="nonsense"))


@pytest.mark.parametrize(
    ("entered", "field", "complaint"),
    [
        ({"devices": "node-z:0"}, "devices", "There is no node"),
        ({"devices": "node-a:7"}, "devices", "The node node-a has no device 7"),
        ({"gpus": 9}, "gpus", "No node has 9 GPUs"),
        ({"max_memory": "1GiB", "gpus": 1, "memory": "2GiB"}, "gpus", "is less than the memory asked for"),
    ],
)
def test_what_the_fleet_can_never_give_is_said_beside_its_field(
    root: Client, entered: dict[str, Any], field: str, complaint: str
) -> None:
    factories.device(factories.node())
    answer = root.post(ADD, form(model=factories.model().pk) | entered)
    errors = answer.context["adminform"].form.errors
    assert complaint in errors[field][0]
    assert not Deployment.objects.exists()


def test_revisions_are_listed_and_any_two_are_compared(root: Client) -> None:
    made = factories.deployment()
    root.post(page(made), form(model=made.model_id, replicas=2))
    root.post(page(made), form(model=made.model_id, replicas=2, options='{"token_delay_ms": 5}'))
    assert "option token_delay_ms: not set → 5" in root.get(page(made)).content.decode()
    diff = reverse("admin:registry_deployment_diff", args=[made.pk])
    whole = root.get(diff, {"from": 1, "to": 3}).content.decode()
    assert ">hot<" in whole
    assert ">needs new workers<" in whole
    assert "Workers are replaced one after the other" in whole
    assert ">needs new workers<" not in root.get(diff, {"from": 1, "to": 2}).content.decode()
    assert "These two are the same" in root.get(diff, {"from": 2, "to": 2}).content.decode()


@pytest.mark.parametrize("query", [{"from": "x"}, {"from": 7}, {"to": "-1"}, {"to": "9" * 30}])
def test_a_revision_that_is_none_is_not_found(root: Client, query: dict[str, str]) -> None:
    made = factories.deployment()
    assert root.get(reverse("admin:registry_deployment_diff", args=[made.pk]), query).status_code == 404


def test_stop_and_deploy_are_pressed_confirmed_and_written_down(root: Client) -> None:
    made = factories.deployment()
    assert "chat stops." in press(root, made, "stop")
    assert Deployment.objects.get().paused
    assert "chat starts." in press(root, made, "deploy")
    assert not Deployment.objects.get().paused
    assert {event.actor for event in Event.objects.exclude(actor="ada")} == {"root"}


def test_restart_forgives_and_replaces_what_was_before(root: Client) -> None:
    made = factories.deployment()
    press(root, made, "restart")
    assert Deployment.objects.get().renewed_at > made.renewed_at


def test_a_button_answers_htmx_with_a_redirection_of_the_page(root: Client) -> None:
    made = factories.deployment()
    url = reverse("admin:registry_deployment_stop", args=[made.pk])
    answer = root.post(url, {"_form_submitted": "on"}, headers={"HX-Request": "true"})
    assert answer.headers["HX-Redirect"] == page(made)


def test_looking_at_the_buttons_address_orders_nothing(root: Client) -> None:
    made = factories.deployment()
    root.get(reverse("admin:registry_deployment_stop", args=[made.pk]))
    assert not Deployment.objects.get().paused


def test_several_are_stopped_after_one_question(root: Client) -> None:
    chosen = [factories.deployment("one").pk, factories.deployment("two").pk]
    selected = {"action": "stop_selected", "_selected_action": chosen}
    assert "Stop 2 deployments?" in text_of(root, LIST, **selected)
    assert not Deployment.objects.filter(paused=True).exists()
    text_of(root, LIST, **selected, _form_submitted="on")
    assert Deployment.objects.filter(paused=True).count() == 2


def test_a_deployment_that_runs_is_not_deleted(root: Client) -> None:
    made = factories.deployment()
    factories.worker(made, factories.device(factories.node()))
    sentence = "chat still has workers: stop it first"
    assert sentence in text_of(root, reverse("admin:registry_deployment_delete", args=[made.pk]), post="yes")
    selected = {"action": "delete_selected", "_selected_action": [made.pk]}
    assert sentence in text_of(root, LIST, **selected, post="yes")
    assert Deployment.objects.exists()


def test_a_deployment_at_rest_is_deleted_with_its_history_of_workers(root: Client) -> None:
    made = factories.deployment()
    factories.failed_worker(made)
    root.post(reverse("admin:registry_deployment_delete", args=[made.pk]), {"post": "yes"})
    assert not Deployment.objects.exists()
    assert Event.objects.filter(reason="delete", actor="root").exists()


def test_its_page_shows_its_workers_and_what_happened(root: Client) -> None:
    made = factories.deployment(replicas=2)
    factories.worker(made, factories.device(factories.node()), state="LOADING", progress=40, detail="reading weights")
    factories.failed_worker(made, "the kernel ran out of memory", replica=1)
    shown = root.get(page(made)).content.decode()
    assert "40 % reading weights" in shown
    assert "node-a:0" in shown
    assert "the kernel ran out of memory" in shown
    assert "create: 2 × chat on echo, revision 1" in shown


def test_a_deployment_that_is_gone_is_no_error(root: Client) -> None:
    made = factories.deployment()
    url = reverse("admin:registry_deployment_stop", args=[made.pk])
    made.delete()
    assert "This deployment is gone." in text_of(root, url, _form_submitted="on")
