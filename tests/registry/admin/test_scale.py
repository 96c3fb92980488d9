"""With two hundred nodes and two thousand workers a page asks the database no more often than with a few."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from bench import crowd
from registry.models import Alias, Deployment, Device, Event, Model, Node, Revision, Worker

pytestmark = [pytest.mark.database, pytest.mark.django_db]

NOUNS = (Node, Device, Deployment, Worker, Event, Revision, Model, Alias)
SMALL = crowd.Size(nodes=51, devices=1, deployments=3, workers=102, events=60)  # more nodes than the map shows
LARGE = crowd.Size(events=2000)  # more than a page of each; what a long table costs is measured in bench/pages.py
MOST = 20


def pages() -> dict[str, str]:
    """The pages that show many rows, and the page of one row of each noun."""
    found = {"index": reverse("admin:index"), "live index": reverse("admin:registry_overview")}
    for noun in NOUNS:
        name = noun.__name__.lower()
        found[f"{name}s"] = reverse(f"admin:registry_{name}_changelist")
        found[name] = reverse(f"admin:registry_{name}_change", args=[noun.objects.values_list("pk", flat=True)[0]])
    found["workers of a node"] = f"{found['workers']}?node={Node.objects.latest('pk')}"
    found["workers of a deployment"] = f"{found['workers']}?deployment={Deployment.objects.latest('pk')}"
    return found


def queries(client: Client, url: str) -> int:
    with CaptureQueriesContext(connection) as captured:
        assert client.get(url).status_code == 200
        return len(captured)


def test_no_page_asks_more_often_for_a_large_fleet(root: Client) -> None:
    crowd.fill(SMALL)
    for url in pages().values():
        root.get(url)  # whatever is kept for ever is kept now
    few = {page: queries(root, url) for page, url in pages().items()}
    crowd.fill(LARGE, prefix="more-")
    many = {page: queries(root, url) for page, url in pages().items()}
    assert many == few
    assert max(many.values()) <= MOST


def test_the_first_page_sums_two_hundred_nodes_up(root: Client) -> None:
    crowd.fill(crowd.Size(deployments=5, workers=50, events=60))
    page = root.get(reverse("admin:index")).content.decode()
    assert "50 of them simulated" in page
    assert "1200 × NVIDIA H100 80GB HBM3" in page
    assert page.count('<svg class="yard-bar') <= 4
    assert page.index("node-0001") < page.index("node-0000")  # silent before cordoned
    assert "node-0003" not in page


def test_no_list_offers_every_node_as_a_filter(root: Client) -> None:
    crowd.fill(crowd.Size(nodes=60, devices=1, deployments=60, workers=60, events=60))
    for noun in (Device, Event, Revision):
        page = root.get(reverse(f"admin:registry_{noun.__name__.lower()}_changelist"), {"q": "nothing"})
        assert "node-0042" not in page.content.decode()
        assert "chat-0042" not in page.content.decode()
