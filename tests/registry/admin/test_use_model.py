"""A model's page has what one needs to use it."""

from __future__ import annotations

import json
import re
from html import unescape

import pytest
from django.test import Client
from django.urls import reverse

from registry.models import Model
from tests.registry import factories

pytestmark = [pytest.mark.database, pytest.mark.django_db]


def page_of(client: Client, model: Model) -> str:
    return client.get(reverse("admin:registry_model_change", args=[model.pk])).content.decode()


def snippet(page: str, name: str) -> str:
    found = re.search(rf'id="snippet-{name}"[^>]*>(.*?)</pre>', page, re.DOTALL)
    assert found is not None
    return unescape(found[1])


def test_the_lines_name_this_host_and_this_model(root: Client) -> None:
    page = page_of(root, factories.model("lab/chat-7b"))
    for name in ("curl", "python", "javascript"):
        assert "http://testserver/v1" in snippet(page, name)
        assert '"lab/chat-7b"' in snippet(page, name)
    body = snippet(page, "curl").rpartition("-d '")[2].rstrip("'")
    assert json.loads(body)["messages"] == [{"role": "user", "content": "Hello!"}]
    compile(snippet(page, "python"), "snippet", "exec")


def test_a_model_that_only_embeds_is_used_for_that(root: Client) -> None:
    made = factories.deployment("vectors")
    factories.worker(made, factories.device(factories.node()), capabilities=["embeddings"])
    page = page_of(root, made.model)
    assert "data-try=" not in page
    assert "/v1/embeddings" in snippet(page, "curl")
    compile(snippet(page, "python"), "snippet", "exec")


def test_without_a_worker_the_box_says_what_comes_first(root: Client) -> None:
    page = page_of(root, factories.model())
    assert "No worker is ready: deploy it first." in page
    assert 'data-try="chat"' in page
