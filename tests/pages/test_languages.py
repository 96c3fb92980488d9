"""The pages speak English and Chinese; every text of a template has all of them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.template import Origin
from django.test import Client
from django.utils import translation
from django.utils.translation.template import templatize

from pages.languages import of_socket

CHINESE = ["zh-hans", "zh-hant"]
PACKAGES = ("pages", "openai_api", "registry", "platform", "inference")
# Two languages call it the same.
SAME = {"API"}
CATALOGS = [
    file
    for folder in (
        settings.ROOT,
        *(settings.ROOT / name for name in PACKAGES),
        settings.ROOT / "platform" / "modelyard",
    )
    for file in sorted(folder.glob("locale/zh_*/LC_MESSAGES/django.po"))
]
CALLS = {"gettext", "gettext_lazy", "gettext_noop", "ngettext", "ngettext_lazy", "_"}
TEMPLATE_CALL = re.compile(
    r"\b(?:gettext|gettext_noop|_|ngettext)\(\s*u?(?P<text>'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\")"
)


def parsed() -> Iterator[ast.AST]:
    """All code; `templatize` writes templates as calls of gettext, the same that `makemessages` reads."""
    for file in (settings.ROOT / "templates").rglob("*.html"):
        for call in TEMPLATE_CALL.finditer(templatize(file.read_text(), origin=Origin(str(file)))):
            yield ast.parse(f"_({call['text']})")
    for package in PACKAGES:
        for file in (settings.ROOT / package).rglob("*.py"):
            yield ast.parse(file.read_text())


def texts_of(code: ast.AST) -> Iterator[str]:
    for node in ast.walk(code):
        match node:
            case ast.Call(func=ast.Name(id=name), args=[ast.Constant(value=str(text)), *_]) if name in CALLS:
                yield text


@pytest.mark.parametrize("language", CHINESE)
def test_every_text_has_a_translation(language: str) -> None:
    """A new text? `python -m django makemessages`, translate it, `compilemessages`: docs/chat.md says how."""
    texts = sorted({text for code in parsed() for text in texts_of(code)})
    assert len(texts) > 500
    with translation.override(language):
        # Texts with a plural are found by `ngettext` alone in older Pythons.
        missing = [
            text for text in texts if text in {translation.gettext(text)} & {translation.ngettext(text, text, 2)}
        ]
    assert [text for text in missing if text not in SAME] == []


@pytest.mark.parametrize("written", CATALOGS, ids=lambda file: str(file.relative_to(settings.ROOT).parent.parent))
def test_what_is_shown_is_what_was_compiled(written: Path) -> None:
    compiled = written.with_suffix(".mo").read_bytes()
    texts = re.findall(r'^msgstr(?:\[0\])? "(.+)"$', written.read_text(), re.MULTILINE)
    assert [text for text in texts if ast.literal_eval(f'"{text}"').encode() not in compiled] == []


def names_in(text: str) -> set[str]:
    return set(re.findall(r"%\(\w+\)[sd]|\{\w*\}", text))


@pytest.mark.parametrize("written", CATALOGS, ids=lambda file: str(file.relative_to(settings.ROOT).parent.parent))
def test_what_is_filled_in_has_the_same_names(written: Path) -> None:
    entries = re.findall(
        r'^msgid "(.+)"\n(?:msgid_plural "(.+)"\n)?msgstr(?:\[0\])? "(.+)"$', written.read_text(), re.MULTILINE
    )
    assert entries
    assert [text for text, more, shown in entries if not names_in(shown) <= names_in(text + more)] == []


@pytest.mark.database
@pytest.mark.django_db
def test_a_button_changes_the_language_and_it_stays() -> None:
    client = Client()
    client.force_login(User.objects.create_user("anna"))
    assert b'<html lang="en">' in client.get("/chat/").content
    chosen = client.post("/language/", {"language": "zh-hans", "next": "/chat/"})
    assert chosen["Location"] == "/chat/"
    assert int(chosen.cookies["modelyard_language"]["max-age"]) > 30_000_000
    page = client.get("/chat/").content.decode()
    assert '<html lang="zh-hans">' in page
    assert "新对话" in page


@pytest.mark.database
@pytest.mark.django_db
def test_the_admin_has_the_buttons_too_and_they_lead_back() -> None:
    client = Client()
    client.force_login(User.objects.create_superuser("anna"))
    forms = re.findall(r'<form action="/language/".*?</form>', client.get("/admin/").content.decode(), re.DOTALL)
    assert [code for form in forms for code in re.findall(r'name="language" type="hidden" value="(.+?)"', form)] == [
        *("en", "zh-hans", "zh-hant"),
    ]
    listed = "http://testserver/admin/registry/node/"
    chosen = client.post("/language/", {"language": "zh-hans", "next": ""}, headers={"Referer": listed})
    assert chosen["Location"] == listed
    assert 'lang="zh-hans"' in client.get(listed).content.decode()


@pytest.mark.database
@pytest.mark.django_db
@pytest.mark.parametrize(
    ("accepted", "language"),
    [("zh-CN,zh;q=0.9", "zh-hans"), ("zh-TW", "zh-hant"), ("fr", "en"), ("", "en"), ("zh-SG", "zh-hans")],
)
def test_the_browser_decides_where_nobody_chose(accepted: str, language: str) -> None:
    page = Client().get("/login/", headers={"Accept-Language": accepted})
    assert f'<html lang="{language}">' in page.content.decode()
    headers = [(b"accept-language", accepted.encode())]
    assert of_socket({"headers": headers}) == language
    assert of_socket({"headers": headers, "cookies": {"modelyard_language": "zh-hans"}}) == "zh-hans"


@pytest.mark.database
@pytest.mark.django_db
def test_the_admin_speaks_chinese_too_and_the_api_stays_english() -> None:
    page = Client().get("/admin/login/", headers={"Accept-Language": "zh-CN"})
    assert 'lang="zh-hans"' in page.content.decode()
    assert page["Content-Language"] == "zh-hans"
    assert "Accept-Language" in page["Vary"]
    refused = Client().get("/api/v1/models/", headers={"Accept-Language": "zh-CN"})
    assert refused.content.isascii()
    assert "Content-Language" not in refused
