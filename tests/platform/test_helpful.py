"""Nobody has to guess: each field of each form says what it is for, and each empty list what to do first."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib import admin
from django.db.models import Model as Row
from django.forms import BaseForm
from django.http import HttpRequest
from django.test import Client, RequestFactory
from django.urls import reverse
from unfold.forms import BaseDialogForm

from registry.models import Event
from tests.registry import factories

KINDS = list(admin.site._registry.values())
# Who reads this is one.
NEVER_EMPTY = {"user"}


def title(one: Any) -> str:
    return str(one.opts.model_name)


@pytest.fixture
def asker() -> HttpRequest:
    request = RequestFactory().get("/")
    request.user = factories.superuser()
    return request


def forms_of(one: Any, request: HttpRequest) -> Iterator[type[BaseForm]]:
    """To add, to change, those of rows inside, and those of dialogs."""
    for row in (None, one.model()):
        yield one.get_form(request, row, change=row is not None)
        yield from (inline.get_formset(request, row).form for inline in one.get_inline_instances(request, row))
    dialogs = (getattr(getattr(one, name), "dialog", None) or {} for name in one.actions_detail)
    yield from (dialog.get("form_class", BaseDialogForm) for dialog in dialogs)


@pytest.mark.database
@pytest.mark.django_db
@pytest.mark.parametrize("one", KINDS, ids=title)
def test_every_field_says_what_it_is_for(one: Any, asker: HttpRequest) -> None:
    fields = [(form, *field) for form in forms_of(one, asker) for field in form.base_fields.items()]  # type: ignore[attr-defined]
    assert [
        (form.__name__, name) for form, name, field in fields if not (field.help_text or field.widget.is_hidden)
    ] == []


@pytest.mark.database
@pytest.mark.django_db
@pytest.mark.parametrize("one", [one for one in KINDS if title(one) not in NEVER_EMPTY], ids=title)
def test_an_empty_list_says_what_to_do_first(one: Any) -> None:
    client = Client()
    client.force_login(factories.superuser())
    rows: type[Row] = one.model
    rows._default_manager.all().delete()
    page = client.get(reverse(f"admin:{one.opts.app_label}_{one.opts.model_name}_changelist")).content.decode()
    assert f"No {one.opts.verbose_name_plural} yet" in page
    assert one.first_step
    assert one.first_step.replace("'", "&#x27;") in page


@pytest.mark.database
@pytest.mark.django_db
def test_a_search_that_finds_nothing_leads_back() -> None:
    client = Client()
    client.force_login(factories.superuser())
    factories.event(factories.deployment())
    page = client.get(reverse(f"admin:registry_{Event._meta.model_name}_changelist"), {"q": "nowhere"}).content.decode()
    assert "Nothing matches" in page
    assert "Show all of them" in page
