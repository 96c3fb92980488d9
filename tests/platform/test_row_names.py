"""What rows and their fields are called, in each language."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.apps import apps
from django.contrib.auth.management import _get_all_permissions
from django.db.models import Model
from django.utils import translation

OURS = ("registry", "openai_api", "pages")
SAME = {"ID", "id", "UUID", "uuid"}  # in every language


def rows() -> Iterator[type[Model]]:
    for label in OURS:
        yield from apps.get_app_config(label).get_models()


def names(row: type[Model]) -> list[str]:
    meta = row._meta
    return [str(name) for name in (meta.verbose_name, meta.verbose_name_plural, *(f.verbose_name for f in meta.fields))]


@pytest.mark.parametrize("language", ["zh-hans", "zh-hant"])
@pytest.mark.parametrize("row", list(rows()), ids=lambda row: row.__name__)
def test_everything_has_a_chinese_name(row: type[Model], language: str) -> None:
    with translation.override(language):
        said = names(row)

    assert [name for name in said if name.isascii() and name not in SAME] == []


def test_english_names_are_those_of_the_code() -> None:
    with translation.override("en"):
        by_name = {row.__name__: names(row) for row in rows()}

    assert by_name["Alias"] == ["alias", "aliases", "ID", "name", "model"]
    assert by_name["ApiKey"][:2] == ["API key", "API keys"]


def test_permissions_are_stored_in_english() -> None:
    """Whoever migrates may read another language."""
    with translation.override("zh-hans"):
        stored = [name for row in rows() for _, name in _get_all_permissions(row._meta)]

    assert "Can add deployment" in stored
    assert all(name.isascii() for name in stored)
