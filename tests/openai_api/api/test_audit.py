"""Every order to the management API is on the timeline, with who gave it and by which key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from api_client import management_routes, of_secret
from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from openai_api.keys import create_key, hash_secret
from openai_api.models import Limit
from registry.models import Event
from tests.registry import factories

pytestmark = [pytest.mark.database, pytest.mark.django_db]

# Of what each order is given, with which body, and what its line speaks of. A new order that has no row here fails.
ORDERS: Mapping[str, tuple[str, dict[str, Any], str]] = {
    "post models": ("models", {"name": "new", "path": "/models/new", "aliases": ["gpt-4o"]}, "model new"),
    "patch models/{name}": ("models/spare", {"description": "small"}, "model spare"),
    "delete models/{name}": ("models/spare", {}, "model spare"),
    "post deployments": ("deployments", {"name": "new", "engine": "echo"}, "new"),
    "patch deployments/{name}": ("deployments/chat", {"replicas": 2}, "chat"),
    "delete deployments/{name}": ("deployments/chat", {}, "chat"),
    "post deployments/{name}/stop": ("deployments/chat/stop", {}, "chat"),
    "post deployments/{name}/start": ("deployments/chat/start", {}, "chat"),
    "post deployments/{name}/restart": ("deployments/chat/restart", {}, "chat"),
    "post deployments/{name}/scale": ("deployments/chat/scale", {"replicas": 3}, "chat"),
    "delete nodes/{name}": ("nodes/node-a", {}, "node node-a"),
    "post nodes/{name}/cordon": ("nodes/node-a/cordon", {}, "node node-a"),
    "post nodes/{name}/uncordon": ("nodes/node-b/uncordon", {}, "node node-b"),
    "post nodes/{name}/drain": ("nodes/node-a/drain", {"timeout_s": 5}, "node node-a"),
    "post nodes/{name}/label": ("nodes/node-a/label", {"labels": {"zone": "a"}}, "node node-a"),
    "post keys": ("keys", {"name": "nightly"}, "key nightly"),
    "patch keys/{id}": ("keys/{key}", {"name": "newer"}, "key newer"),
    "post keys/{id}/revoke": ("keys/{key}/revoke", {}, "key old"),
    "post keys/{id}/rotate": ("keys/{key}/rotate", {}, "key old"),
    "post limits": ("limits", {"user": "boss", "concurrent": 2}, "limit of boss"),
    "patch limits/{id}": ("limits/{limit}", {"concurrent": 3}, "limit of eve"),
    "delete limits/{id}": ("limits/{limit}", {}, "limit of eve"),
}
TWICE = {"post keys/{id}/rotate"}  # a line for the key that is made, and one for the key that ends
WRITES = {"post", "put", "patch", "delete"}


@dataclass(frozen=True)
class Stage:
    """An installation where every order finds something to do, and the key of somebody who may give them."""

    secret: str
    key: int
    limit: int


@pytest.fixture
def stage() -> Stage:
    boss, eve = factories.superuser("boss"), factories.user("eve")
    factories.deployment()
    factories.model("spare")
    factories.node("node-a", last_seen_at=timezone.now() - timedelta(days=1))
    factories.node("node-b", cordoned=True)
    limit = Limit.objects.create(user=eve, concurrent=1)
    robot, secret = create_key("robot", boss, scopes=["manage", "inference"])
    old, _ = create_key("old", boss, parent=robot)
    return Stage(secret, old.pk, limit.pk)


def ordered(route: str, stage: Stage) -> tuple[Any, list[Event]]:
    """What is answered, and what is new on the timeline; then nothing of it has happened."""
    path, body, _ = ORDERS[route]
    before = Event.objects.aggregate(last=Max("id"))["last"]
    asking = getattr(of_secret(stage.secret), route.partition(" ")[0])
    with transaction.atomic():
        address = f"/api/v1/{path.format(key=stage.key, limit=stage.limit)}"
        answer = asking(address, body, format="json", headers={"If-Match": "*"})
        lines = list(Event.objects.filter(id__gt=before).order_by("id"))
        transaction.set_rollback(True)
    return answer, lines


def secrets_in(lines: list[Event], answer: Any, stage: Stage) -> set[str]:
    """What nobody may read on the timeline, and is there."""
    told = " ".join(f"{line.actor} {line.subject} {line.reason}" for line in lines)
    known = [stage.secret, *([answer.json()["secret"]] if "key nightly" in told or "made in place" in told else [])]
    return {each for secret in known for each in (secret, hash_secret(secret)) if each in told}


def test_every_order_has_a_row() -> None:
    assert {route for route in management_routes() if route.partition(" ")[0] in WRITES} == set(ORDERS)


def test_every_order_leaves_one_line_that_names_who_gave_it_and_by_which_key(stage: Stage) -> None:
    for route, (_, _, subject) in ORDERS.items():
        answer, lines = ordered(route, stage)
        assert answer.status_code < 300, (route, answer.json())
        assert len(lines) == (2 if route in TWICE else 1), (route, [line.reason for line in lines])
        assert {(line.actor, line.subject) for line in lines} == {("boss (key robot)", subject)}, route
        assert not secrets_in(lines, answer, stage)


def test_what_is_refused_or_only_tried_leaves_no_line(stage: Stage) -> None:
    before = Event.objects.count()
    client = of_secret(stage.secret)
    client.post("/api/v1/deployments?dry_run=true", {"name": "new", "engine": "echo"}, format="json")
    client.patch("/api/v1/deployments/chat?dry_run=true", {"replicas": 2}, format="json")
    client.patch("/api/v1/deployments/chat", {"replicas": 2}, format="json")
    client.post("/api/v1/deployments", {"name": "chat", "engine": "echo"}, format="json")
    client.post("/api/v1/limits", {"user": "eve", "concurrent": 2}, format="json")
    assert Event.objects.count() == before
