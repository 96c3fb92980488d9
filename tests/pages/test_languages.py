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
# `templatize` writes templates as calls of gettext: the same that `makemessages` reads.
CALL = re.compile(r"\b(?:gettext|gettext_noop|_|ngettext)\(\s*u?(?P<text>'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\")")


def sources() -> Iterator[str]:
    for file in (settings.ROOT / "templates").rglob("*.html"):
        yield templatize(file.read_text(), origin=Origin(str(file)))
    for file in (settings.ROOT / "pages").rglob("*.py"):
        yield file.read_text()


TEXTS = sorted({ast.literal_eval(found["text"]) for source in sources() for found in CALL.finditer(source)})


@pytest.mark.parametrize("language", CHINESE)
def test_every_text_has_a_translation(language: str) -> None:
    """A new text? `python -m django makemessages`, translate it, `compilemessages`: docs/chat.md says how."""
    assert len(TEXTS) > 100
    with translation.override(language):
        # Texts with a plural are found by `ngettext` alone in older Pythons.
        missing = [
            text for text in TEXTS if text in {translation.gettext(text)} & {translation.ngettext(text, text, 2)}
        ]
    assert missing == []


@pytest.mark.parametrize("language", ["zh_Hans", "zh_Hant"])
def test_what_is_shown_is_what_was_compiled(language: str) -> None:
    folder = Path(settings.ROOT / "locale" / language / "LC_MESSAGES")
    compiled = folder.joinpath("django.mo").read_bytes()
    written = re.findall(r'^msgstr(?:\[0\])? "(.+)"$', folder.joinpath("django.po").read_text(), re.MULTILINE)
    assert [text for text in written if ast.literal_eval(f'"{text}"').encode() not in compiled] == []


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
