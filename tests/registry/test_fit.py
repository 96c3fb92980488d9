"""«Would it fit?», before anything is stored."""

from __future__ import annotations

import json
from typing import Any

import pytest

from registry import desired
from registry.fit import would_fit
from registry.models import Deployment, Model
from registry.reconciler import reconcile_once
from tests.registry import factories
from tests.registry.factories import GIB

pytestmark = [pytest.mark.database, pytest.mark.django_db]


def draft(**fields: Any) -> Deployment:
    """Stored nowhere, as a form has it."""
    return Deployment(
        **{"name": "new", "model": Model(name="new"), "engine": "echo", "memory_bytes": 30 * GIB} | fields
    )


def test_it_tells_each_replicas_device_or_every_refusal() -> None:
    node = factories.node()
    factories.device(node, index=0)
    factories.device(node, index=1, present=False)
    answer = would_fit(draft(replicas=3))
    assert [seat.place for seat in answer.seats] == ["node-a:0", "node-a:0", ""]
    assert not answer.fits
    assert answer.words.startswith("Does not fit (2 of 3 replicas would): node-a:0: 20 GiB of")
    assert answer.brief == "Does not fit (2 of 3 replicas would). Up to 20 GiB would fit on node-a:0 now."
    assert [refusal.device for refusal in answer.refusals] == ["node-a:0", "node-a:1"]


def test_it_is_what_the_control_plane_then_does() -> None:
    for name in ("node-a", "node-b"):
        node = factories.node(name)
        for index in range(2):
            factories.device(node, index)
    wish = {"gpus": 2, "memory_bytes": 50 * GIB, "replicas": 3}
    expected = would_fit(draft(**wish)).seats
    made = factories.deployment("new", **wish)
    reconcile_once()
    for worker, seat in zip(made.workers.order_by("replica"), expected, strict=True):
        assert [(str(claim.device), claim.bytes) for claim in worker.claims.order_by("id")] == list(seat.claims)


def test_workers_that_would_be_replaced_make_room_and_others_stay() -> None:
    device = factories.device(factories.node())
    chat = factories.deployment(memory_bytes=50 * GIB)
    reconcile_once()
    [kept] = would_fit(chat).seats
    assert (kept.stays, kept.words) == (True, "replica 0 stays on node-a:0 (50 GiB)")
    assert not would_fit(chat, replicas=2).fits
    chat.memory_bytes = 70 * GIB
    [moved] = would_fit(chat).seats
    assert (moved.stays, moved.claims) == (False, ((str(device), 70 * GIB),))


def test_a_drained_node_keeps_nobody() -> None:
    node = factories.node()
    factories.device(node)
    chat = factories.deployment(memory_bytes=50 * GIB)
    reconcile_once()
    desired.drain(node, timeout_s=60, actor="ada")
    assert not would_fit(chat).fits
    factories.device(factories.node("node-b"))
    [moved] = would_fit(chat).seats
    assert (moved.stays, moved.place) == (False, "node-b:0")


def test_of_named_groups_each_replica_gets_its_own() -> None:
    node = factories.node()
    factories.device(node, 0)
    factories.device(node, 1)
    answer = would_fit(draft(replicas=2, devices="node-a:1 node-a:0"))
    assert answer.words == "Fits: 2 replicas on node-a:1, node-a:0, 30 GiB each."


def test_the_answer_goes_as_json_with_as_many_refusals_as_wished() -> None:
    for index in range(4):
        factories.device(factories.node(f"node-{index}"))
    answer = would_fit(draft(memory_bytes=90 * GIB, gpus=1))
    content = json.loads(json.dumps(answer.as_json(refusals=2)))
    assert (content["fits"], len(content["refusals"]), content["refused_devices"]) == (False, 2, 4)
    assert content["replicas"][0]["advice"] == "Up to 80 GiB would fit on node-0:0 now"
    assert content["estimate"]["source"] == "set by an operator"


def test_an_answer_takes_a_constant_number_of_queries(django_assert_max_num_queries: Any) -> None:
    factories.fleet(4)
    chat = Deployment.objects.select_related("model").first()
    assert chat is not None
    with django_assert_max_num_queries(7):
        would_fit(chat, replicas=20).as_json()
