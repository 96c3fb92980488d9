"""The map of the machines on the first page: who holds what of which device, and what is free."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from bench import crowd
from registry.models import Device
from tests.registry import factories

pytestmark = [pytest.mark.database, pytest.mark.django_db]

OVERVIEW = reverse("admin:registry_overview")


def shown(client: Client) -> str:
    return client.get(OVERVIEW).content.decode()


def test_a_cell_names_each_holder_and_what_is_free(root: Client) -> None:
    card = factories.device(factories.node("rack-7"), 3, foreign_bytes=6 * factories.GIB)
    for replica in (0, 1):
        factories.worker(factories.deployment("chat") if not replica else _chat(), card, replica=replica)
    factories.worker(factories.deployment("code"), card)
    page = shown(root)
    assert "rack-7:3, H100: 62 GiB free" in page
    assert "chat 8 GiB (2 workers), code 4 GiB" in page
    assert "3 <b>62 GiB free</b>" in page


def _chat() -> factories.Deployment:
    return factories.Deployment.objects.get(name="chat")


@pytest.mark.parametrize(("trouble", "word"), [({"present": False}, "gone"), ({"quarantine": "pid 7"}, "quarantined")])
def test_where_nothing_is_placed_nothing_is_free(root: Client, trouble: dict[str, object], word: str) -> None:
    factories.device(factories.node(), **trouble)
    page = shown(root)
    assert f"0 <b>{word}</b>" in page
    assert "GiB free" not in page


def test_a_machine_without_gpus_shows_its_memory(root: Client) -> None:
    factories.device(factories.node(), kind=Device.Kind.CPU, name="AMD EPYC")
    page = shown(root)
    assert "cpu <b>80 GiB free</b>" in page
    assert "Nobody holds memory." in page


def test_fifty_nodes_are_a_map_for_as_many_questions_as_one(root: Client) -> None:
    crowd.fill(crowd.Size(nodes=1, devices=1, deployments=2, workers=10, events=20))
    few, one = _queries(root)
    crowd.fill(crowd.Size(nodes=49, devices=8, deployments=20, workers=400, events=20), prefix="more-")
    many, fifty = _queries(root)
    assert many == few
    assert (one.count("yard-cell "), fifty.count("yard-cell ")) == (1, 393)
    assert "more-node-0048:7" in fifty
    assert len(fifty) < 400_000  # bytes


def _queries(client: Client) -> tuple[int, str]:
    with CaptureQueriesContext(connection) as captured:
        page = shown(client)
    return len(captured), page
