"""Every page opens, and says what to do when there is nothing yet."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.staticfiles import finders
from django.templatetags.static import static
from django.test import Client
from django.urls import reverse

from registry.models import Alias, Deployment, Device, Event, Model, Node, Revision, Worker
from tests.registry import factories

pytestmark = [pytest.mark.database, pytest.mark.django_db]

NOUNS = (Deployment, Model, Alias, Worker, Node, Device, Event, Revision)


@pytest.mark.parametrize("noun", NOUNS)
def test_the_page_of_one_row_opens_for_those_who_may_only_look(noun: type[Deployment], login: Any) -> None:
    factories.fleet(1)
    permission = f"view_{noun.__name__.lower()}"
    row = noun.objects.first()
    assert row is not None
    page = login(permission).get(reverse(f"admin:registry_{noun.__name__.lower()}_change", args=[row.pk]))
    assert page.status_code == 200
    assert 'name="_save"' not in page.content.decode()


def test_the_overview_shows_what_runs_where_and_what_failed(root: Client) -> None:
    made = factories.deployment("assistant", replicas=2)
    factories.worker(made, factories.device(factories.node("rack-7"), name="NVIDIA H100"))
    factories.failed_worker(made, "the disk of rack-7 is full", replica=1, attempt=4)
    page = root.get(reverse("admin:index")).content.decode()
    assert "1/2 ready, failed: the disk of rack-7 is full" in page
    assert "NVIDIA H100" in page
    assert "4 GiB claimed, 10 GiB used, of 80 GiB" in page


def test_a_page_is_headed_by_the_name_as_it_is_written(root: Client) -> None:
    node = factories.node("rack-7")
    page = root.get(reverse("admin:registry_node_change", args=[node.pk])).content.decode()
    assert re.findall(r"truncate tracking-tight\">\s*([^<]+?)\s*<", page) == ["Models and machines", "Nodes", "rack-7"]


def test_the_same_failure_again_and_again_is_one_line_of_the_overview(root: Client) -> None:
    made = factories.deployment()
    for _ in range(3):
        factories.failed_worker(made, "no such folder")
    page = root.get(reverse("admin:index")).content.decode()
    assert "3 times" in page
    assert page.count('class="yard-why">no such folder') == 1


def test_an_empty_platform_says_what_to_do_first(root: Client) -> None:
    page = root.get(reverse("admin:index")).content.decode()
    assert "No model yet" in page
    assert reverse("admin:registry_model_add") in page
    assert "No node has joined" in page


def test_with_a_model_the_overview_leads_to_its_deployment(root: Client) -> None:
    factories.model()
    page = root.get(reverse("admin:index")).content.decode()
    assert "No deployment yet" in page
    assert reverse("admin:registry_deployment_add") in page


@pytest.mark.parametrize("theme_file", ["registry/admin.css", "favicon.svg"])
def test_what_the_pages_load_is_there(root: Client, theme_file: str) -> None:
    assert static(theme_file) in root.get(reverse("admin:index")).content.decode()
    assert finders.find(theme_file)


def test_a_failure_comes_with_what_to_do_and_work_with_its_speed(root: Client) -> None:
    made = factories.deployment(replicas=2)
    card = factories.device(factories.node("rack-7"))
    factories.worker(made, card, in_flight=3, tokens_per_second=41.6)
    factories.failed_worker(made, "no such folder", replica=1, cause="files_missing", node=card.node)
    page = root.get(reverse("admin:index")).content.decode()
    assert "What to do: Copy the model to /models/chat on rack-7" in page
    assert "<b>3</b> requests in flight, <b>42</b> tokens/s now" in page
