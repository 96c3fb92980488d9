"""The admin's icons in 14 kB instead of 292: of the theme's font only those that the theme and our admin name."""

from __future__ import annotations

import hashlib
import logging
import os
import re
import tempfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import unfold
from django.conf import settings
from django.contrib.staticfiles.finders import BaseFinder
from django.core.files.storage import FileSystemStorage

FONT = "unfold/fonts/material-symbols/Material-Symbols-Outlined.woff2"
THEME = Path(unfold.__file__).parent
OURS = ("registry/admin/*.py", "openai_api/admin/*.py", "pages/admin.py", "platform/modelyard/theme.py")
# Each icon is a ligature of such letters: `rocket_launch`, alone in a tag, in quotes or between tags of a template.
NAME = re.compile(r"""(?<=[>"'}])\s*([a-z0-9_]+)\s*(?=[<"'{])""")
LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789_"

log = logging.getLogger(__name__)


class IconFinder(BaseFinder):
    """Before the theme's own files in STATICFILES_FINDERS. Makes the font at the first start and keeps it."""

    def check(self, **kwargs: Any) -> list[Any]:
        return []

    def find(self, path: str, find_all: bool = False, **kwargs: Any) -> Any:
        found = [storage.path(FONT) for _, storage in self.list(None)] if path == FONT else []
        return found if find_all else next(iter(found), None)

    def list(self, ignore_patterns: Any) -> Iterator[tuple[str, FileSystemStorage]]:
        """Nothing, and so the theme's whole font, where it cannot be made."""
        try:
            folder = made(settings.INSTALLATION.static_dir)
        except OSError as error:
            log.warning("The admin's icons are loaded whole, 292 kB: their font cannot be written (%s).", error)
            return
        yield FONT, FileSystemStorage(location=folder)


def made(cache: Path) -> Path:
    """The folder below `cache` with the font for what is installed now; makes it (1 s) when there is none."""
    whole, names = (THEME / "static" / FONT).read_bytes(), words()
    key = hashlib.sha256(whole + " ".join(sorted(names)).encode()).hexdigest()[:16]
    font = cache / key / FONT
    if not font.exists():
        font.parent.mkdir(parents=True, exist_ok=True)
        _write(font, subset(whole, names))
    return cache / key


def words() -> set[str]:
    """All that could be an icon's name in the theme's pages and styles and in what our admin says to it."""
    root: Path = settings.ROOT
    sources = [
        *THEME.rglob("*.html"),
        *THEME.rglob("*.py"),
        THEME / "static/unfold/css/styles.css",
        *(path for pattern in OURS for path in root.glob(pattern)),
    ]
    return {word for path in sources for word in NAME.findall(path.read_text(encoding="utf-8").replace("\\_", "_"))}


def subset(font: bytes, names: set[str]) -> bytes:
    """A WOFF2 font with those of `names` that it has as ligatures, and the letters that they are written with."""
    from fontTools.subset import Options, Subsetter  # at the first start only
    from fontTools.ttLib import TTFont

    whole = TTFont(BytesIO(font))
    kept = [glyph for name, glyph in _ligatures(whole) if name in names]
    # Without the closure: with it, all words of these letters would stay.
    subsetter = Subsetter(Options(layout_features=["*"], layout_closure=False, drop_tables=["FFTM"]))
    subsetter.populate(glyphs=kept, text=LETTERS)
    subsetter.subset(whole)
    whole.flavor = "woff2"
    written = BytesIO()
    whole.save(written)
    return written.getvalue()


def _ligatures(font: Any) -> Iterator[tuple[str, str]]:
    """What is written and the glyph that is drawn for it."""
    letters = {glyph: chr(code) for code, glyph in font.getBestCmap().items()}
    for lookup in font["GSUB"].table.LookupList.Lookup:
        for table in lookup.SubTable:
            for first, ligatures in getattr(getattr(table, "ExtSubTable", table), "ligatures", {}).items():
                for ligature in ligatures:
                    yield "".join(letters.get(part, "?") for part in (first, *ligature.Component)), ligature.LigGlyph


def _write(path: Path, content: bytes) -> None:
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
    Path(name).replace(path)
