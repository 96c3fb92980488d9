"""Blocks of code, in colours."""

from __future__ import annotations

from functools import lru_cache
from html import escape

from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexer import Lexer
from pygments.lexers import get_lexer_by_name
from pygments.util import ClassNotFound

LONGEST = 60_000  # characters; more would take a second to colour
FORMATTER = HtmlFormatter(nowrap=True, classprefix="hl-")


def block(code: str, language: str) -> str:
    """A figure with the language's name and the code; the page adds a button to copy it."""
    lexer = _lexer(language) if len(code) <= LONGEST else None
    inside = highlight(code, lexer, FORMATTER) if lexer else escape(code)
    name = escape(language or "text")
    return (
        f'<figure class="code"><figcaption><span>{name}</span></figcaption>'
        f'<pre tabindex="0"><code>{inside}</code></pre></figure>\n'
    )


@lru_cache(maxsize=64)
def _lexer(language: str) -> Lexer | None:
    try:
        return get_lexer_by_name(language, stripnl=False)
    except ClassNotFound:
        return None
