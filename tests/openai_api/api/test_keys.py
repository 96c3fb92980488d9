"""Keys by the management API: the secret once, and a line on the timeline for each change."""

from __future__ import annotations

import pytest
from api_client import of_root, of_secret

from openai_api.models import ApiKey
from registry.models import Event

pytestmark = [pytest.mark.database, pytest.mark.django_db]


def test_a_key_is_made_with_its_secret_once_rotated_and_revoked() -> None:
    root = of_root()
    made = root.post("/api/v1/keys", {"name": "nightly", "scopes": ["read"]}, format="json").json()
    assert of_secret(made["secret"]).get("/api/v1/models").status_code == 200
    assert "secret" not in root.get(f"/api/v1/keys/{made['id']}").json()
    turned = root.post(f"/api/v1/keys/{made['id']}/rotate", {"overlap_s": 0}, format="json").json()
    assert of_secret(made["secret"]).get("/api/v1/models").status_code == 401
    assert of_secret(turned["secret"]).get("/api/v1/models").status_code == 200
    assert root.post(f"/api/v1/keys/{turned['id']}/revoke", {}, format="json").json()["revoked_at"]
    assert of_secret(turned["secret"]).get("/api/v1/models").status_code == 401
    assert ApiKey.objects.count() == 2
    assert set(Event.objects.filter(subject="key nightly").values_list("actor", flat=True)) == {"root"}


def test_the_description_has_every_route_and_makes_no_warnings(capsys: pytest.CaptureFixture[str]) -> None:
    answer = of_root().get("/api/v1/openapi.json")
    assert answer.status_code == 200
    assert {"/api/v1/models", "/api/v1/keys/{id}/rotate", "/api/v1/usage"} <= set(answer.json()["paths"])
    assert "arning" not in capsys.readouterr().err


def test_the_page_of_the_apis_runs_only_our_own_files() -> None:
    answer = of_root().get("/docs")
    assert answer.status_code == 200
    assert "unsafe" not in answer["Content-Security-Policy"]
    assert "<script>" not in answer.content.decode()
