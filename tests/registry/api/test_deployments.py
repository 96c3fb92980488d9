"""Deployments by the management API."""

from __future__ import annotations

from typing import Any

import pytest
from api_client import of_key, of_root, of_user
from error_shape import assert_envelope
from rest_framework.test import APIClient

from registry.models import Deployment, Event, Model
from tests.registry import factories

pytestmark = [pytest.mark.database, pytest.mark.django_db]

ROOT = "/api/v1/deployments"


def made(client: APIClient, **fields: Any) -> Any:
    return client.post(ROOT, {"name": "chat", "engine": "echo"} | fields, format="json")


def test_deploying_makes_the_deployment_its_model_and_a_line_with_the_actor() -> None:
    answer = made(of_key("manage"), replicas=2)
    assert answer.status_code == 201, answer.json()
    assert Deployment.objects.get().replicas == 2
    assert answer["ETag"] == of_root().get(f"{ROOT}/chat")["ETag"]
    assert Event.objects.get(subject="chat").actor == "owner-of-manage (key robot)"


def test_the_same_name_twice_is_a_conflict() -> None:
    root = of_root()
    made(root)
    answer = made(root, replicas=5)
    assert answer.status_code == 409
    assert_envelope(answer.json(), "conflict")
    assert Deployment.objects.get().replicas == 1


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"replica": 2}, "replica"),
        ({"replicas": "many"}, "replicas"),
        ({"replicas": 10**30}, "replicas"),
        ({"name": "Not A Name"}, None),
        ({"engine": "magic"}, "engine"),
        ({"options": []}, "options"),
        ({"options": {"device": "quantum"}}, None),
        ({"options": {"note": "a\0b"}}, None),
        ({"engine": "transformers"}, None),
    ],
)
def test_what_cannot_be_is_refused_with_a_sentence_and_the_field(fields: dict[str, Any], param: str | None) -> None:
    answer = made(of_root(), **fields)
    assert answer.status_code == 400
    assert_envelope(answer.json(), "invalid_request")
    assert answer.json()["error"]["param"] == param
    assert not Deployment.objects.exists()
    assert not Model.objects.exists()


def test_a_dry_run_answers_the_placement_with_every_reason_and_stores_nothing() -> None:
    factories.device(factories.node("node-a"))
    answer = of_root().post(
        f"{ROOT}?dry_run=true", {"name": "big", "engine": "echo", "memory_bytes": 10**14}, format="json"
    )
    assert answer.status_code == 200
    body = answer.json()
    assert not body["fits"]
    assert [each["device"] for each in body["refusals"]] == ["node-a:0"]
    assert body["refusals"][0]["reason"]
    assert not Deployment.objects.exists()


def test_a_dry_run_of_an_edit_takes_no_etag_and_changes_nothing() -> None:
    factories.deployment()
    answer = of_root().patch(f"{ROOT}/chat?dry_run=true", {"replicas": 0}, format="json")
    assert answer.json()["replicas"] == []
    assert Deployment.objects.get().replicas == 1


def test_an_edit_takes_the_etag_of_what_was_read_and_makes_a_revision() -> None:
    factories.deployment()
    root = of_root()
    tag = root.get(f"{ROOT}/chat")["ETag"]
    edit = {"options": {"latency_ms": 5}, "memory_bytes": None}
    assert root.patch(f"{ROOT}/chat", edit, format="json").status_code == 428
    answer = root.patch(f"{ROOT}/chat", edit, format="json", headers={"If-Match": tag})
    assert (answer.status_code, answer.json()["revision"]) == (200, 2)
    again = root.patch(f"{ROOT}/chat", {"replicas": 3}, format="json", headers={"If-Match": tag})
    assert again.status_code == 412
    assert_envelope(again.json(), "precondition_failed")
    assert Deployment.objects.get().replicas == 1


def test_whoever_has_it_already_gets_304() -> None:
    factories.deployment()
    root = of_root()
    tag = root.get(f"{ROOT}/chat")["ETag"]
    answer = root.get(f"{ROOT}/chat", headers={"If-None-Match": tag})
    assert (answer.status_code, answer.content) == (304, b"")


def test_stop_start_scale_restart_and_delete_are_orders_on_the_timeline() -> None:
    factories.deployment()
    root = of_root()
    for order, body in (("stop", {}), ("start", {}), ("scale", {"replicas": 3}), ("restart", {})):
        assert root.post(f"{ROOT}/chat/{order}", body, format="json").status_code == 200
    assert Deployment.objects.get().replicas == 3
    assert root.delete(f"{ROOT}/chat", headers={"If-Match": "*"}).status_code == 204
    lines = Event.objects.filter(actor="root").order_by("id").values_list("reason", flat=True)
    assert [line.split(":")[0] for line in lines] == ["stop", "deploy", "scale", "restart", "delete"]


def test_a_deployment_that_brings_a_model_takes_the_permission_for_models_too() -> None:
    answer = made(of_user("bob", "add_deployment"))
    assert answer.status_code == 403
    assert "registry.add_model" in assert_envelope(answer.json(), "permission_denied")
    assert not Model.objects.exists()


def test_the_status_says_what_it_does_now() -> None:
    factories.deployment(paused=True)
    assert of_root().get(f"{ROOT}/chat/status").json()["phase"] == "stopped"


def test_its_revisions_are_listed_the_newest_first() -> None:
    factories.deployment()
    root = of_root()
    edit = {"options": {"latency_ms": 5}}
    assert root.patch(f"{ROOT}/chat", edit, format="json", headers={"If-Match": "*"}).status_code == 200
    found = root.get(f"{ROOT}/chat/revisions").json()["results"]
    assert [(each["number"], each["created_by"]) for each in found] == [(2, "root"), (1, "ada")]
    assert found[0]["snapshot"]["options"] == edit["options"]
