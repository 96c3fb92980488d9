"""Traffic of the last hour on the admin's first page."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.urls import reverse

from openai_api.admin.traffic import MINUTES, Minute, curves, last_hour
from openai_api.models import Usage
from tests.registry import factories
from tests.support.usage_rows import usage_row

NOW = datetime(2026, 11, 21, 12, 0, 30, tzinfo=UTC)
TRAFFIC = reverse("admin:openai_api_usage_traffic")


@pytest.mark.database
@pytest.mark.django_db
def test_requests_fall_into_the_minute_in_which_they_began() -> None:
    ages = {timedelta(seconds=5): 200, timedelta(seconds=70): 499, timedelta(seconds=100): 503, timedelta(hours=2): 200}
    facts = {"prompt_tokens": 10, "completion_tokens": 20}
    Usage.objects.bulk_create(usage_row(at=NOW - age, status=status, **facts) for age, status in ages.items())
    minutes = last_hour(NOW)
    assert len(minutes) == MINUTES
    assert minutes[-1] == Minute(1, 0, 10, 20)
    assert minutes[-3:-1] == [Minute(1, 1, 10, 20), Minute(1, 0, 10, 20)]
    assert sum(minute.requests for minute in minutes) == 3


@pytest.mark.database
@pytest.mark.django_db
def test_what_is_written_twice_is_counted_once() -> None:
    rows = [usage_row(at=NOW), usage_row(at=NOW - timedelta(minutes=1))]
    for later in (rows[:1], rows, [*rows, usage_row(at=NOW)]):
        Usage.objects.bulk_create(later, ignore_conflicts=True)
    assert last_hour(NOW)[-2:] == [Minute(1, 0, 10, 20), Minute(2, 0, 20, 40)]


def test_a_curve_tells_the_last_whole_minute_and_the_busiest() -> None:
    quiet = [Minute()] * (MINUTES - 3)
    asked, spoken, _ = curves([*quiet, Minute(requests=600, tokens_out=90_000), Minute(3), Minute(9)])
    assert (asked.last, asked.most) == ("0.05", "10")
    assert (spoken.last, spoken.most) == ("0", "1,500")
    assert asked.drawing.count("h2") == MINUTES
    assert "V0h2" in asked.drawing.replace("V0.0", "V0")


@pytest.mark.database
@pytest.mark.django_db
def test_the_first_page_has_the_traffic_and_renews_it() -> None:
    client = Client()
    client.force_login(factories.user("vi", "view_deployment"))
    assert "Nobody has asked anything in this hour" in client.get(reverse("admin:index")).content.decode()
    usage_row(status=503).save()
    assert "1 request, " in client.get(TRAFFIC).content.decode()


@pytest.mark.database
@pytest.mark.django_db
def test_who_may_look_at_nothing_sees_no_traffic() -> None:
    client = Client()
    client.force_login(factories.user("no"))
    assert client.get(TRAFFIC).status_code == 403
    assert "Traffic" not in client.get(reverse("admin:index")).content.decode()
