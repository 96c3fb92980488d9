"""The admin speaks Chinese as well: no page of it is left with an English sentence."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.admin import ModelAdmin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group
from django.db.models import Model
from django.test import Client
from django.urls import reverse

from openai_api.keys import create_key
from openai_api.models import Limit
from pages.models import Battle, Contestant, Pairing, Preset
from registry import models as registry
from registry.models import Event, Worker
from tests.registry import factories
from tests.support.usage_rows import keep, usage_row

pytestmark = [pytest.mark.database, pytest.mark.django_db]

SENTENCE = re.compile(r"(?<![\w-])[A-Za-z][a-z]+(?:['’][a-z]+)?(?:[ ,:;]+[A-Za-z][a-z]+(?:['’][a-z]+)?)+")
CHINESE = re.compile(r"[\u3000-\u9fff\uff00-\uffef]")
ATTRIBUTES = {"title", "aria-label", "placeholder", "alt", "data-copied", "data-press"}
CODE = {"script", "style", "code", "pre", "kbd", "svg", "textarea"}
VOID = {"area", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "wbr", "path", "rect"}
# Commands, the name of an engine, an event's subject.
ENGLISH = re.compile(r"modelyard \w+|for tests|node gpu")


class Words(HTMLParser):
    """What a reader of the page sees or hears, code aside."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.within: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self.within.append(tag)
        self.found += [value for name, value in attrs if name in ATTRIBUTES and value]

    def handle_endtag(self, tag: str) -> None:
        while tag in self.within and self.within.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if not CODE & set(self.within):
            self.found.append(data)


def english_in(page: str) -> list[str]:
    words = Words()
    words.feed(page)
    sentences = {sentence[0] for text in words.found for sentence in SENTENCE.finditer(" ".join(text.split()))}
    return sorted(sentence for sentence in sentences if not ENGLISH.fullmatch(sentence))


def rows_of_all() -> None:
    """A row of each list. What rows have to say is not translated, so it is one word here."""
    factories.fleet(1)
    made = factories.deployment("chat-1", replicas=2)
    factories.failed_worker(made, "ended", attempt=4)
    Worker.objects.exclude(reason="").update(reason="ended")
    create_key("nightly", factories.user("ada"), actor="ada")
    Limit.objects.create(group=Group.objects.create(name="lab"), concurrent=3)
    Limit.objects.create(user=None, model=made.model, tokens_per_day=3)
    keep(usage_row(), usage_row(status=500, error="internal"), usage_row(status=499, exact=False, ttft_ms=None))
    Preset.objects.create(name="short", system="brief")
    Battle.objects.create(model_a="one", model_b="two", vote="a", flagged="rude")
    Contestant.objects.create(model="one")
    Pairing.objects.create(first="one", second="two")
    Event.objects.update(subject="chat-1/0", reason="ended")


def own_pages(model: type[Model], shown: ModelAdmin[Any]) -> Iterator[str]:
    """Every address of one model's admin, with its first row where it takes one."""
    row = model._default_manager.first()
    for pattern in shown.get_urls():
        takes = set(pattern.pattern.converters)
        if pattern.name and not pattern.name.endswith("_export") and (row or takes <= {"by"}):
            values = {name: "day" if name == "by" else row and row.pk for name in takes}
            yield reverse(f"admin:{pattern.name}", kwargs=values)


def chosen(client: Client, model: type[Model], action: str, **answers: str) -> tuple[str, Any]:
    listed = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
    rows = model._default_manager.values_list("pk", flat=True)[:2]
    return f"{listed}: {action}", client.post(listed, {"action": action, "_selected_action": list(rows)} | answers)


def visited(client: Client) -> Iterator[tuple[str, Any]]:
    """All pages and parts of pages, forms that came back with complaints, and questions before an order."""
    for page in ("index", "password_change"):
        yield page, client.get(reverse(f"admin:{page}"))
    for model, shown in admin.site._registry.items():
        for address in own_pages(model, shown):
            yield address, client.get(address, headers={"HX-Request": "true"})
        place = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        listed, add = reverse(f"{place}_changelist"), reverse(f"{place}_add")
        yield listed, client.get(f"{listed}?q=nothing-is-called-so")
        yield add, client.post(add)
        yield chosen(client, model, "delete_selected")
    # At the end, since some do not ask: what they did is in the lists, in English.
    for model, shown in admin.site._registry.items():
        yield from (chosen(client, model, str(action)) for action in shown.actions or ())


@pytest.mark.parametrize(("language", "filled"), [("zh-hant", False), ("zh-hans", True)], ids=["empty", "filled"])
def test_no_page_of_the_admin_has_an_english_sentence(language: str, filled: bool) -> None:
    client = Client(headers={"Accept-Language": language})
    client.force_login(factories.superuser())
    if filled:
        rows_of_all()
    pages = [(address, answer.content.decode()) for address, answer in visited(client) if answer.status_code == 200]
    assert len(pages) > (120 if filled else 40)
    assert [f"{address}: {sentence}" for address, page in pages for sentence in english_in(page)] == []


def test_what_is_kept_is_english_whoever_did_it() -> None:
    client = Client(headers={"Accept-Language": "zh-hans"})
    client.force_login(factories.superuser())
    rows_of_all()
    chat = registry.Model.objects.get(name="chat-0")
    for noun, fields in {
        "openai_api_limit": {"model": chat.pk, "concurrent": 2},
        "openai_api_apikey": {"name": "daily", "group": Group.objects.get().pk, "scopes": ["read", "inference"]},
        "pages_pairing": {"first": "two", "second": "three", "weight": 2},
    }.items():
        answer = client.post(reverse(f"admin:{noun}_add"), fields)
        assert answer.status_code == 302 or b'id="secret"' in answer.content
    for model, shown in admin.site._registry.items():
        for action in shown.actions or ():
            chosen(client, model, str(action), _form_submitted="1")
    chosen(client, Limit, "delete_selected", post="yes")
    kept = [f"{event.subject}: {event.reason}" for event in Event.objects.all()]
    kept += [f"{entry.object_repr}: {entry.change_message}" for entry in LogEntry.objects.all()]
    assert len(kept) > 20
    assert [line for line in kept if CHINESE.search(line)] == []


def test_an_english_sentence_would_be_found() -> None:
    page = '<p>模型 <code>vllm serve it</code></p><a title="Delete this"><svg><path d="M 1"></svg>Not ready, yet</a>'
    assert english_in(page) == ["Delete this", "Not ready, yet"]
