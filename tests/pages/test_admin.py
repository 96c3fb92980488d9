"""Presets in the admin."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client

from pages.models import Preset

pytestmark = [pytest.mark.database, pytest.mark.django_db]


@pytest.fixture
def operator() -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("operator", password="x"))
    return client


def test_a_preset_is_made(operator: Client) -> None:
    answer = operator.post("/admin/pages/preset/add/", {"name": "Short", "parameters": '{"max_tokens": 50}'})
    assert answer.status_code == 302
    assert Preset.objects.get().parameters == {"max_tokens": 50}
    assert b"Short" in operator.get("/admin/pages/preset/").content


@pytest.mark.parametrize(
    ("parameters", "complaint"), [('{"temperature": 9}', "temperature"), ("[]", "object"), ("{", "JSON")]
)
def test_parameters_that_no_model_would_take_are_refused(operator: Client, parameters: str, complaint: str) -> None:
    answer = operator.post("/admin/pages/preset/add/", {"name": "Short", "parameters": parameters})
    assert complaint in answer.content.decode()
    assert not Preset.objects.exists()
