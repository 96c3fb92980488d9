"""Devices as placement sees them, from rows."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db.models.functions import Now

from registry.clock import database_now
from registry.fleet import load_devices, load_files
from registry.models import ModelFiles
from registry.placement import DeviceView
from tests.registry import factories
from tests.registry.factories import GIB

pytestmark = [pytest.mark.database, pytest.mark.django_db]


def only_device() -> DeviceView:
    [device] = load_devices(database_now())
    return device


def test_a_device_comes_with_its_claims_its_holders_and_its_nodes_labels() -> None:
    device = factories.device(factories.node(labels={"zone": "a", "rack": 7}), index=3, foreign_bytes=GIB)
    factories.worker(factories.deployment(), device)
    factories.worker(factories.deployment("other"), device)
    assert only_device() == DeviceView(
        *(device.pk, device.node_id, "node-a", 3, "cuda", 80 * GIB, 8 * GIB),
        foreign=GIB,
        holders=2,
        labels=frozenset({("zone", "a"), ("rack", "7")}),
    )


@pytest.mark.parametrize(
    ("node", "device", "reason"),
    [
        ({"cordoned": True}, {}, "the node is cordoned"),
        ({"cordoned": True, "drain_deadline": Now()}, {}, "the node is being drained"),
        ({"left_at": Now()}, {}, "the node's agent has left"),
        ({"last_seen_at": None}, {}, "the node's agent is silent; is it running?"),
        ({"last_seen_at": Now() - timedelta(minutes=1)}, {}, "the node's agent is silent; is it running?"),
        ({"lost_at": Now()}, {}, "the node's agent is silent; is it running?"),
        ({}, {"present": False}, "the agent no longer sees this device"),
        ({}, {"quarantine": "pid 7 holds 3 GiB"}, "is in quarantine: pid 7 holds 3 GiB"),
        ({}, {}, ""),
    ],
)
def test_what_bars_a_device(node: dict[str, Any], device: dict[str, Any], reason: str) -> None:
    factories.device(factories.node(**node), **device)
    assert only_device().unusable == reason


def test_devices_and_files_take_a_constant_number_of_queries(django_assert_num_queries: Any) -> None:
    factories.fleet(5)
    node = factories.node("with-files")
    ModelFiles.objects.create(node=node, path="/models/chat", present=True)
    ModelFiles.objects.create(node=node, path="/models/gone", present=False)
    now = database_now()
    with django_assert_num_queries(4):
        assert len(load_devices(now)) == 5
        assert load_files() == {node.pk: frozenset({"/models/chat"})}
