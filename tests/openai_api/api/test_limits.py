"""Limits by the management API."""

from __future__ import annotations

from typing import Any

import pytest
from api_client import of_root
from django.contrib.auth.models import Group
from error_shape import assert_envelope

from openai_api.keys import create_key
from openai_api.models import Limit
from tests.registry import factories

pytestmark = [pytest.mark.database, pytest.mark.django_db]

ROOT = "/api/v1/limits"


def test_a_limit_is_set_edited_by_its_etag_and_removed() -> None:
    factories.user("eve")
    factories.model()
    root = of_root()
    whose = {"user": "eve", "model": "chat"}
    made = root.post(ROOT, whose | {"requests_per_minute": 5, "concurrent": 2}, format="json")
    assert made.status_code == 201, made.json()
    assert made.json().items() >= (whose | {"key": None, "group": None, "requests_per_minute": 5}).items()
    here = f"{ROOT}/{made.json()['id']}"
    assert root.patch(here, {"concurrent": None}, format="json").status_code == 428
    edited = root.patch(here, {"concurrent": None}, format="json", headers={"If-Match": made["ETag"]})
    assert (edited.json()["concurrent"], edited.json()["requests_per_minute"]) == (None, 5)
    assert root.patch(here, {"concurrent": 1}, format="json", headers={"If-Match": made["ETag"]}).status_code == 412
    assert root.delete(here, headers={"If-Match": edited["ETag"]}).status_code == 204
    assert not Limit.objects.exists()


def test_the_same_limit_twice_is_a_conflict_that_names_the_first() -> None:
    Group.objects.create(name="lab")
    root = of_root()
    first = root.post(ROOT, {"group": "lab", "concurrent": 2}, format="json").json()
    again = root.post(ROOT, {"group": "lab", "tokens_per_day": 10}, format="json")
    assert again.status_code == 409
    assert f"{ROOT}/{first['id']}" in assert_envelope(again.json(), "conflict")


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"user": "nobody", "concurrent": 1}, "user"),
        ({"key": 10**30, "concurrent": 1}, "key"),
        ({"key": "x", "concurrent": 1}, "key"),
        ({"group": {}, "concurrent": 1}, "group"),
        ({"user": "eve", "concurrent": -1}, "concurrent"),
        ({"user": "eve", "tokens_per_day": 10**30}, "tokens_per_day"),
        ({"user": "eve", "priority": 10**6}, "priority"),
        ({"user": "eve", "requests": 1}, "requests"),
        ({"user": "eve"}, None),
        ({"concurrent": 1}, None),
        ({"user": "eve", "group": "lab", "concurrent": 1}, None),
    ],
)
def test_what_cannot_be_is_refused_with_a_sentence_and_the_field(fields: dict[str, Any], param: str | None) -> None:
    factories.user("eve")
    Group.objects.create(name="lab")
    answer = of_root().post(ROOT, fields, format="json")
    assert answer.status_code == 400, answer.json()
    assert_envelope(answer.json(), "invalid_request")
    assert answer.json()["error"]["param"] == param
    assert not Limit.objects.exists()


def test_limits_are_found_by_whom_they_are_about() -> None:
    eve = factories.user("eve")
    key, _ = create_key("one", eve)
    for whose in ({"user": eve}, {"key": key}, {"model": factories.model()}):
        Limit.objects.create(concurrent=1, **whose)
    root = of_root()
    for query in ("user=eve", f"key={key.pk}", "model=chat"):
        assert root.get(f"{ROOT}?{query}").json()["count"] == 1, query
    assert root.get(f"{ROOT}?ordering=-id").json()["count"] == 3
