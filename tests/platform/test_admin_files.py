"""What the admin loads is small: its font of icons, complete and made once, and no scripts for what it has not."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import pytest
from django.contrib import admin
from django.contrib.staticfiles import finders
from fontTools.ttLib import TTFont
from pytest_django.fixtures import Settings

from modelyard import icons, theme
from modelyard.installation import Installation


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return icons.made(Installation.at(tmp_path_factory.mktemp("data")).static_dir)


def drawn(font: Path) -> set[str]:
    """The words that a font draws as icons."""
    return {name for name, _ in icons._ligatures(TTFont(BytesIO(font.read_bytes())))}


def test_it_has_what_the_sidebar_the_actions_and_the_theme_name(made: Path) -> None:
    sidebar = {item["icon"] for group in theme.NAVIGATION for item in group["items"]}
    actions = {"play_arrow", "restart_alt", "autorenew", "logout"}
    of_the_theme = {"close_small", "chevron_right", "keyboard_arrow_down", "dark_mode", "inbox"}
    assert drawn(made / icons.FONT) >= sidebar | actions | of_the_theme | {theme.UNFOLD["SITE_SYMBOL"]}


def test_it_is_a_tenth_of_the_themes(made: Path) -> None:
    whole = icons.THEME / "static" / icons.FONT
    assert 10_000 < (made / icons.FONT).stat().st_size < whole.stat().st_size / 8
    assert len(drawn(whole)) > 4_000


def test_it_is_made_once(made: Path) -> None:
    before = (made / icons.FONT).stat()
    assert icons.made(made.parent) == made
    assert (made / icons.FONT).stat() == before


def test_it_stands_before_the_themes(settings: Settings, made: Path) -> None:
    settings.INSTALLATION = Installation.at(made.parents[1])
    assert finders.find(icons.FONT) == str(made / icons.FONT)
    assert finders.find("unfold/css/styles.css").startswith(str(icons.THEME))  # type: ignore[union-attr]


def test_where_it_cannot_be_kept_the_themes_is_served(
    settings: Settings, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "static").write_text("in the way")
    settings.INSTALLATION = Installation.at(tmp_path)
    assert finders.find(icons.FONT) == str(icons.THEME / "static" / icons.FONT)
    assert "cannot be written" in caplog.text


def test_no_form_needs_the_scripts_that_are_left_out() -> None:
    """Empty files stand in their places: static/admin/js and static/unfold/js/alpine/alpine.sort.js."""
    forms = [form for registered in admin.site._registry.values() for form in (registered, *registered.inlines)]
    assert [form for form in forms if form.prepopulated_fields or getattr(form, "ordering_field", None)] == []
