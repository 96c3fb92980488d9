"""Parts of pages that renew themselves."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.urls import reverse

from registry.models import Worker
from tests.registry import factories

pytestmark = [pytest.mark.database, pytest.mark.django_db]

OVERVIEW = reverse("admin:registry_overview")


def successor(page: str, part: str) -> str:
    found = re.search(rf'id="{part}"[^>]* hx-get="([^"]+)"', page)
    assert found is not None
    return found[1]


def test_nothing_moves_on_the_page_while_nothing_changes(root: Client) -> None:
    factories.worker(factories.deployment(), factories.device(factories.node()))
    ask = successor(root.get(reverse("admin:index")).content.decode(), "overview")
    assert root.get(ask).status_code == 204


def test_a_change_arrives_and_brings_the_next_question_with_it(root: Client) -> None:
    made = factories.worker(factories.deployment(), factories.device(factories.node()), state="LOADING", progress=10)
    ask = successor(root.get(reverse("admin:index")).content.decode(), "overview")
    Worker.objects.filter(pk=made.pk).update(progress=60)
    answer = root.get(ask).content.decode()
    assert "loading 60 %" in answer
    assert successor(answer, "overview") != ask


@pytest.mark.parametrize("part", ["deployment-now", "deployment-events"])
def test_the_parts_of_a_deployments_page_ask_for_their_successors(root: Client, part: str) -> None:
    made = factories.deployment()
    page = root.get(reverse("admin:registry_deployment_change", args=[made.pk])).content.decode()
    assert root.get(successor(page, part)).status_code == 204
    factories.failed_worker(made, "the cable was pulled")
    assert "the cable was pulled" in root.get(successor(page, part)).content.decode()


def test_only_reading_is_answered_and_never_from_a_cache(root: Client) -> None:
    assert root.post(OVERVIEW).status_code == 405
    assert "no-store" in root.get(OVERVIEW).headers["Cache-Control"]
