"""Several who create the same thing at once by the management API."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from api_client import of_secret
from django.db import connection

from openai_api.keys import create_key
from tests.registry import factories

pytestmark = [pytest.mark.database, pytest.mark.django_db(transaction=True)]

SAME: Mapping[str, Mapping[str, Any]] = {
    "models": {"name": "new", "path": "/models/new"},
    "deployments": {"name": "both", "engine": "echo", "replicas": 0},
    "limits": {"user": "boss", "concurrent": 1},
}
AT_ONCE = 4


def test_of_several_who_create_the_same_at_once_one_does_and_the_others_are_told() -> None:
    _, secret = create_key("robot", factories.superuser("boss"), scopes=["manage"])

    def create(collection: str) -> int:
        try:
            client = of_secret(secret)
            return int(client.post(f"/api/v1/{collection}", SAME[collection], format="json").status_code)
        finally:
            connection.close()  # the thread's own

    with ThreadPoolExecutor(AT_ONCE) as threads:
        for collection in SAME:
            found = sorted(threads.map(create, [collection] * AT_ONCE))
            assert found == [201, *[409] * (AT_ONCE - 1)], collection
