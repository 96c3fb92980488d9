"""Usage by the management API: rows, and their sums."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from api_client import of_person, of_root
from django.utils import timezone
from error_shape import assert_envelope

from openai_api.models import Usage
from tests.registry import factories

pytestmark = [pytest.mark.database, pytest.mark.django_db]

ROOT = "/api/v1/usage"


def used(model: str, **fields: Any) -> Usage:
    """A stream of ten tokens a second, whose first one came after half a second."""
    facts = {"endpoint": "chat", "status": 200, "prompt_tokens": 3, "completion_tokens": 10}
    times = {"began_at": timezone.now(), "ttft_ms": 500.0, "duration_ms": 1500.0, "streamed": True}
    return Usage.objects.create(**{"id": uuid4(), "model": model} | facts | times | fields)


def test_requests_are_found_by_what_they_were() -> None:
    used("chat", username="ada", key_id=4)
    used("other", status=499, began_at=timezone.now() - timedelta(days=2))
    root = of_root()
    yesterday = (timezone.now() - timedelta(days=1)).isoformat().replace("+", "%2B")
    for query in ("model=chat", "user=ada", "key_id=4", "status=200", f"since={yesterday}"):
        found = root.get(f"{ROOT}?{query}").json()["results"]
        assert [row["model"] for row in found] == ["chat"], query
    assert [row["model"] for row in root.get(f"{ROOT}?until={yesterday}").json()["results"]] == ["other"]


def test_usage_is_summed_up_by_what_is_asked_for() -> None:
    for name in ("ada", "ada", "bob"):
        used("chat", username=name)
    used("chat", username="ada", status=499, ttft_ms=None)
    used("old", began_at=timezone.now() - timedelta(days=31))
    root = of_root()
    answer = root.get(f"{ROOT}/summary?by=user&model=chat").json()
    assert [(line["name"], line["total"]["tokens_out"]) for line in answer["results"]] == [("ada", 30), ("bob", 10)]
    assert answer["total"]["aborted"] == 1
    assert (answer["total"]["ttft_s"], answer["total"]["tokens_per_second"]) == (0.5, 10.0)
    assert [line["name"] for line in root.get(f"{ROOT}/summary").json()["results"]] == ["chat"]
    everything = root.get(f"{ROOT}/summary?since=2000-01-01T00:00:00Z").json()
    assert everything["total"]["requests"] == 5


def test_everybody_sums_up_their_own() -> None:
    ada = factories.user("ada", is_staff=False)
    used("chat", user_id=ada.pk, username="ada")
    used("chat", user_id=ada.pk + 1, username="bob")
    answer = of_person(ada).get(f"{ROOT}/summary?by=user").json()
    assert [line["name"] for line in answer["results"]] == ["ada"]


@pytest.mark.parametrize("query", ["by=colour", "since=yesterday", "colour=red", "limit=3", "key_id=x", "by="])
def test_what_cannot_be_summed_up_is_refused_with_the_name(query: str) -> None:
    answer = of_root().get(f"{ROOT}/summary?{query}")
    assert answer.status_code == 400
    assert_envelope(answer.json(), "invalid_request")
    assert answer.json()["error"]["param"] == query.partition("=")[0]
