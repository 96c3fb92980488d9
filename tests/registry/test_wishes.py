"""What a deployment may not ask of the fleet; the sentences are shown by the tests of the commands."""

from __future__ import annotations

from typing import Any

import pytest

from registry import desired
from registry.errors import InvalidDesire
from registry.models import Deployment
from tests.registry import factories
from tests.registry.factories import GIB

pytestmark = [pytest.mark.database, pytest.mark.django_db]


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"node_labels": ["zone"]}, "Node labels must be a JSON object"),
        ({"node_labels": {"zone": {"a": 1}}}, "The node label 'zone' needs a name and a value that is text"),
        ({"gpus": 2, "memory_bytes": 50 * GIB, "max_memory_per_gpu_bytes": 20 * GIB}, "is less than the memory asked"),
        ({"devices": "node-b:0"}, "The node node-b has no devices yet"),
        ({"engine": "vllm", "options": {"gpu_memory_utilization": 0.5}}, "is a share of whole cards"),
        ({"gpus": 1, "engine": "transformers"}, "none has any that this engine may use"),
    ],
)
def test_a_wish_that_cannot_be_is_not_stored(fields: dict[str, Any], sentence: str) -> None:
    factories.device(factories.node(), simulated=True)
    factories.node("node-b")
    with pytest.raises(InvalidDesire, match=sentence):
        factories.deployment(**fields)
    assert not Deployment.objects.exists()


def test_before_any_node_has_joined_any_number_of_gpus_may_be_asked_for() -> None:
    assert factories.deployment(gpus=8).gpus == 8


def test_a_fleet_that_shrank_stops_only_new_wishes() -> None:
    node = factories.node()
    device = factories.device(node)
    chat = factories.deployment(devices="node-a:0")
    device.delete()
    desired.scale(chat, 2, actor="ada")
    chat.gpus = 1
    with pytest.raises(InvalidDesire, match="The node node-a has no devices yet"):
        desired.save(chat, actor="ada")
