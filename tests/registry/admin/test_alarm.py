"""The banner: what the control plane says of itself, and that it says nothing any more."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db.models.functions import Now
from django.test import Client
from django.urls import reverse

from registry.models import Sweep
from tests.registry import factories

pytestmark = [pytest.mark.database, pytest.mark.django_db]

PLACES = [reverse("admin:index"), reverse("admin:registry_node_changelist"), reverse("admin:registry_alarm")]


def sweep(**facts: Any) -> None:
    Sweep.objects.create(**{"swept_at": Now(), "listening_since": Now()} | facts)


@pytest.mark.parametrize("url", PLACES)
def test_all_is_well_and_nothing_is_said(root: Client, url: str) -> None:
    sweep()
    assert "yard-alarm" not in root.get(url).content.decode()


@pytest.mark.parametrize("url", PLACES)
def test_a_control_plane_that_is_silent_is_asked_after(root: Client, url: str) -> None:
    sweep(swept_at=Now() - timedelta(seconds=40))
    assert "The control plane has not swept for 40 s: is it running?" in root.get(url).content.decode()


@pytest.mark.parametrize("url", PLACES)
def test_its_alarm_is_shown_with_its_reason(root: Client, url: str) -> None:
    sweep(alarm="7 of 9 nodes look late at once", alarm_since=Now())
    page = root.get(url).content.decode()
    assert "nobody is evicted" in page
    assert "7 of 9 nodes look late at once" in page


def test_a_platform_that_never_looked_says_so(root: Client) -> None:
    assert "The control plane has never looked" in root.get(reverse("admin:index")).content.decode()


def test_it_comes_by_itself_while_the_list_is_open(root: Client) -> None:
    sweep()
    ask = f"{reverse('admin:registry_alarm')}?seen="
    seen = root.get(ask).content.decode().partition('data-seen="')[2].partition('"')[0]
    assert root.get(ask + seen).status_code == 204
    Sweep.objects.update(alarm="most nodes are late")
    assert "most nodes are late" in root.get(ask + seen).content.decode()


def test_who_may_not_look_at_nodes_is_told_nothing(login: Any) -> None:
    factories.node()
    assert login("view_model").get(reverse("admin:registry_alarm")).status_code == 403
