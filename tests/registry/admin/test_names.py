"""Models and aliases: one public name belongs to one of them, and changes reach the deployments."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from registry.models import Alias, Deployment, Model
from tests.registry import factories

pytestmark = [pytest.mark.database, pytest.mark.django_db]

ADD = reverse("admin:registry_model_add")


def form(name: str, *aliases: str, **changes: Any) -> dict[str, Any]:
    entered: dict[str, Any] = {"name": name, "path": f"/models/{name}"}
    entered |= {"aliases-TOTAL_FORMS": len(aliases), "aliases-INITIAL_FORMS": 0}
    return entered | {f"aliases-{index}-name": alias for index, alias in enumerate(aliases)} | changes


def text_of(client: Client, url: str, entered: dict[str, Any]) -> str:
    return str(client.post(url, entered, follow=True).content.decode())


def test_a_model_comes_with_its_aliases(root: Client) -> None:
    root.post(ADD, form("smol", "gpt-4o-mini", "gpt-4"))
    assert set(Model.objects.get().aliases.values_list("name", flat=True)) == {"gpt-4o-mini", "gpt-4"}


@pytest.mark.parametrize(
    ("entered", "complaint"),
    [
        (form("taken"), "taken is already an alias of other"),
        (form("smol", "other"), "other is already a model"),
        (form("smol", "smol"), "This is the model&#x27;s own name"),
        (form("smol", "twice", "twice"), "Please correct the duplicate data for name"),
        (form("no good"), "Use letters, digits"),
    ],
)
def test_a_name_that_is_taken_is_an_error_of_the_form(root: Client, entered: dict[str, Any], complaint: str) -> None:
    factories.alias("taken", factories.model("other"))
    assert complaint in text_of(root, ADD, entered)
    assert Model.objects.count() == 1


def test_the_database_refuses_what_the_form_could_not_see(root: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    factories.alias("taken", factories.model("other"))
    monkeypatch.setattr("registry.admin.forms.ModelForm.clean_name", lambda form: form.cleaned_data["name"])
    assert "taken is already an alias: choose another name." in text_of(root, ADD, form("taken"))
    assert Model.objects.count() == 1


def test_an_alias_of_its_own_is_checked_the_same_way(root: Client) -> None:
    made = factories.model("other")
    add = reverse("admin:registry_alias_add")
    assert "other is already a model" in text_of(root, add, {"name": "other", "model": made.pk})
    root.post(add, {"name": "another", "model": made.pk})
    assert Alias.objects.get().name == "another"


def test_another_path_makes_a_revision_of_the_models_deployments_and_another_description_does_not(root: Client) -> None:
    made = factories.deployment()
    url = reverse("admin:registry_model_change", args=[made.model_id])
    root.post(url, form("chat", description="for everybody"))
    assert made.revisions.count() == 1
    root.post(url, form("chat", path="/models/better"))
    newest = made.revisions.first()
    assert newest is not None
    assert (newest.number, newest.snapshot["path"], newest.created_by) == (2, "/models/better", "root")


def test_a_model_that_is_deployed_is_not_deleted(root: Client) -> None:
    made = factories.deployment()
    url = reverse("admin:registry_model_delete", args=[made.model_id])
    assert "protected" in text_of(root, url, {"post": "yes"})
    assert Model.objects.exists()


def test_each_alias_on_a_models_page_has_a_label(root: Client) -> None:
    made = factories.alias("gpt-4", factories.model("smol")).model
    page = root.get(reverse("admin:registry_model_change", args=[made.pk])).content.decode()
    entry = re.search(r'<input[^>]*name="aliases-0-name"[^>]*>', page)
    assert entry is not None
    assert 'aria-label="Name"' in entry[0]


def test_deploying_a_model_opens_the_form_with_a_fitting_name(root: Client) -> None:
    made = factories.model("HuggingFaceTB/SmolLM2:latest")
    page = root.get(reverse("admin:registry_model_deploy_it", args=[made.pk]), follow=True).content.decode()
    assert 'value="huggingfacetb-smollm2-latest"' in page
    assert not Deployment.objects.exists()
