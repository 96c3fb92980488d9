"""What the pages keep, in the admin."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client

from pages.models import Battle, Contestant, Pairing, Preset

pytestmark = [pytest.mark.database, pytest.mark.django_db]


@pytest.fixture
def operator() -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("operator"))
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


def test_weights_of_models_and_pairs_are_set(operator: Client) -> None:
    assert operator.post("/admin/pages/contestant/add/", {"model": "one", "weight": "0.5"}).status_code == 302
    given = {"first": "one", "second": "two", "weight": "0"}
    assert operator.post("/admin/pages/pairing/add/", given).status_code == 302
    assert (Contestant.objects.get().weight, Pairing.objects.get().weight) == (0.5, 0)


@pytest.mark.parametrize(("first", "complaint"), [("one", "the other way round"), ("two", "does not meet itself")])
def test_a_pair_is_two_models_and_there_once(operator: Client, first: str, complaint: str) -> None:
    Pairing.objects.create(first="two", second="one")
    second = "two"
    answer = operator.post("/admin/pages/pairing/add/", {"first": first, "second": second, "weight": "1"})
    assert complaint in answer.content.decode()
    assert Pairing.objects.count() == 1


def test_battles_are_looked_at_and_the_flagged_ones_are_found(operator: Client) -> None:
    flagged = Battle.objects.create(model_a="one", model_b="two", flagged="Rude answer.")
    Battle.objects.create(model_a="three", model_b="four")
    listed = operator.get("/admin/pages/battle/?flagged=yes").content.decode()
    assert "Rude answer." in listed
    assert "three" not in listed
    assert operator.get(f"/admin/pages/battle/{flagged.pk}/change/").status_code == 200
    assert operator.post(f"/admin/pages/battle/{flagged.pk}/delete/").status_code == 403
