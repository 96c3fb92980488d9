"""Models, machines and the timeline by the management API: lists, filters, pages, orders."""

from __future__ import annotations

from typing import Any

import pytest
from api_client import of_root
from error_shape import assert_envelope

from registry.models import Event, Model, Node
from tests.registry import factories

pytestmark = [pytest.mark.database, pytest.mark.django_db]


def names(answer: Any, field: str = "name") -> list[Any]:
    assert answer.status_code == 200, answer.json()
    return [row[field] for row in answer.json()["results"]]


def test_a_list_comes_in_parts_sorted_with_its_total() -> None:
    for name in ("a", "lab/b", "c"):
        factories.model(name)
    root = of_root()
    answer = root.get("/api/v1/models?limit=2&ordering=-name")
    assert names(answer) == ["lab/b", "c"]
    assert answer.json()["count"] == 3
    assert names(root.get(answer.json()["next"])) == ["a"]


@pytest.mark.parametrize(
    "query",
    ["ordering=secret", "colour=red", "name=%00", "name=x&ordering=-path"],
)
def test_a_filter_or_order_that_is_not_known_is_refused(query: str) -> None:
    answer = of_root().get(f"/api/v1/models?{query}")
    assert answer.status_code == 400
    assert_envelope(answer.json(), "invalid_request")


@pytest.mark.parametrize("query", ["limit=-1", "limit=x", f"limit={10**40}", f"offset={10**40}"])
def test_a_page_that_cannot_be_is_the_nearest_that_can(query: str) -> None:
    assert of_root().get(f"/api/v1/models?{query}").status_code == 200


def test_a_model_is_registered_edited_and_forgotten_with_a_line_each() -> None:
    root = of_root()
    body = {"name": "lab/chat", "path": "/models/chat", "aliases": ["gpt-4o"]}
    answer = root.post("/api/v1/models", body, format="json")
    assert answer.status_code == 201
    edit = {"aliases": ["gpt-3.5-turbo"], "description": "small"}
    headers = {"If-Match": answer["ETag"]}
    assert root.patch("/api/v1/models/lab/chat", edit, format="json", headers=headers).status_code == 200
    assert root.get("/api/v1/models/lab/chat").json()["aliases"] == ["gpt-3.5-turbo"]
    assert root.delete("/api/v1/models/lab/chat", headers={"If-Match": "*"}).status_code == 204
    assert not Model.objects.exists()
    lines = Event.objects.filter(actor="root", subject="model lab/chat").order_by("id")
    assert [line.reason for line in lines] == ["create", "edit", "delete"]


def test_a_name_that_is_taken_is_a_conflict() -> None:
    factories.alias("gpt-4o", factories.model("chat"))
    root = of_root()
    for body in ({"name": "chat"}, {"name": "gpt-4o"}, {"name": "new", "aliases": ["gpt-4o"]}):
        answer = root.post("/api/v1/models", {"path": "/models/x"} | body, format="json")
        assert answer.status_code == 409
        assert "already" in assert_envelope(answer.json(), "conflict")
    assert Model.objects.count() == 1


def test_a_model_that_is_deployed_is_not_forgotten() -> None:
    factories.deployment()
    answer = of_root().delete("/api/v1/models/chat", headers={"If-Match": "*"})
    assert answer.status_code == 400
    assert "delete them first" in assert_envelope(answer.json(), "invalid_request")
    assert not Event.objects.filter(subject="model chat").exists()


def test_a_node_is_cordoned_drained_and_uncordoned() -> None:
    factories.node()
    root = of_root()
    assert root.post("/api/v1/nodes/node-a/cordon", {}, format="json").json()["cordoned"]
    assert root.post("/api/v1/nodes/node-a/drain", {"timeout_s": 60}, format="json").json()["drain_deadline"]
    assert root.post("/api/v1/nodes/node-a/drain", {"timeout_s": -1}, format="json").status_code == 400
    assert not root.post("/api/v1/nodes/node-a/uncordon", {}, format="json").json()["cordoned"]
    assert Node.objects.get().drain_deadline is None
    assert set(Event.objects.values_list("actor", flat=True)) == {"root"}


def test_labels_are_set_and_taken_away_and_the_others_stay() -> None:
    factories.node(labels={"zone": "a", "owner": "lab"})
    root = of_root()
    answer = root.post("/api/v1/nodes/node-a/label", {"labels": {"zone": None, "rack": "4"}}, format="json")
    assert answer.json()["labels"] == {"owner": "lab", "rack": "4"}
    for labels in ({"a b": "x"}, {"zone": [1]}, {"zone": "a\nb"}, [], None):
        refused = root.post("/api/v1/nodes/node-a/label", {"labels": labels}, format="json")
        assert refused.status_code == 400, labels


def test_a_node_is_removed_when_it_is_gone_or_by_force() -> None:
    chat = factories.deployment()
    factories.worker(chat, factories.device(factories.node()))
    root, here = of_root(), {"If-Match": "*"}
    assert root.delete("/api/v1/nodes/node-a").status_code == 428
    refused = root.delete("/api/v1/nodes/node-a", headers=here)
    assert (refused.status_code, Node.objects.count()) == (400, 1)
    assert "stop it first" in assert_envelope(refused.json(), "invalid_request")
    assert root.delete("/api/v1/nodes/node-a?force=true", headers=here).status_code == 204
    assert not Node.objects.exists()
    assert chat.workers.get().state == "LOST"


def test_workers_and_devices_are_found_by_what_they_belong_to() -> None:
    card = factories.device(factories.node())
    worker = factories.worker(factories.deployment(), card)
    root = of_root()
    assert names(root.get("/api/v1/workers?deployment=chat&active=true"), "launch_id") == [str(worker.launch_id)]
    assert names(root.get("/api/v1/workers?deployment=other"), "launch_id") == []
    found = root.get("/api/v1/devices?node=node-a&kind=cuda").json()["results"]
    assert [device["claimed_bytes"] for device in found] == [4 * factories.GIB]
    assert root.get(f"/api/v1/workers/{worker.launch_id}").json()["claims"][0]["device"] == "node-a:0"
    assert root.get(f"/api/v1/workers/{worker.launch_id}/log?lines=3").json()["text"] == ""
    assert root.get(f"/api/v1/workers/{worker.launch_id}/log?lines=0").status_code == 400


def test_the_timeline_comes_newest_first_by_a_cursor() -> None:
    chat = factories.deployment()
    for number in range(3):
        factories.event(chat, reason=f"line {number}")
    root = of_root()
    first = root.get("/api/v1/events?deployment=chat&limit=2&actor=reconciler")
    assert names(first, "reason") == ["line 2", "line 1"]
    assert names(root.get(first.json()["next"]), "reason") == ["line 0"]
    wrong = root.get("/api/v1/events?cursor=wrong")
    assert (wrong.status_code, wrong.json()["error"]["param"]) == (400, "cursor")


@pytest.mark.parametrize("path", ["/api/v1/nothing", "/api/v2/models", "/api/v1/models/a%00b", "/api/v1/nodes/x"])
def test_what_is_not_there_is_a_404_in_our_shape(path: str) -> None:
    answer = of_root().get(path)
    assert answer.status_code == 404
    assert_envelope(answer.json(), "not_found")


@pytest.mark.parametrize("body", [b"{", b"[]", b"\xff", b"[" * 100_000, b'{"name": "\\ud800"}', b'{"name": NaN}'])
def test_a_body_that_is_no_json_object_is_a_400(body: bytes) -> None:
    answer = of_root().post("/api/v1/models", body, content_type="application/json")
    assert answer.status_code == 400
    assert_envelope(answer.json(), "invalid_request")


def test_a_body_that_is_too_large_is_a_413() -> None:
    answer = of_root().post("/api/v1/models", b" " * 1_000_001, content_type="application/json")
    assert answer.status_code == 413
    assert_envelope(answer.json(), "request_too_large")
