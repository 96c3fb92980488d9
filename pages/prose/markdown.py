"""Markdown as models write it: CommonMark, tables, strikethrough, task lists, addresses, and formulas in $ or \\( \\).

A line ends where its author ended it, as in other chats: a poem is no paragraph.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from html import escape
from itertools import pairwise
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererProtocol
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token
from mdit_py_plugins.dollarmath import dollarmath_plugin
from mdit_py_plugins.tasklists import tasklists_plugin
from mdit_py_plugins.texmath import texmath_plugin

from pages.prose import code, math
from pages.prose.addresses import linked
from pages.prose.clean import clean

BREAK = re.compile(r"<br ?/?>", re.IGNORECASE)
KEPT_CHARACTERS = 5000
ALIGNED = {"text-align:left": "left", "text-align:center": "centre", "text-align:right": "right"}


def render(text: str) -> str:
    """All of a text as HTML that is safe to show."""
    return _kept(text) if len(text) <= KEPT_CHARACTERS else _rendered(text)


def _rendered(text: str) -> str:
    return clean(_MARKDOWN.render(text))


# Conversations are looked at again and again; some megabytes at most.
_kept = lru_cache(maxsize=1000)(_rendered)


def blocks(text: str) -> list[tuple[int, str]]:
    """The blocks of a text: the line that each begins in, from 0, and its safe HTML.

    A block whose first line is not known is taken together with the one before.
    """
    env: dict[str, Any] = {}
    tokens = _MARKDOWN.parse(text, env)
    starts = [place for place, token in enumerate(tokens) if token.level == 0 and token.nesting >= 0 and token.map]
    if not starts:
        return [(0, clean(_render(tokens, env)))] if tokens else []
    bounds = [0, *starts[1:], len(tokens)]
    lines = [0, *((tokens[place].map or [0])[0] for place in starts[1:])]
    return [
        (line, clean(_render(tokens[begin:end], env)))
        for line, (begin, end) in zip(lines, pairwise(bounds), strict=True)
    ]


def _render(tokens: Sequence[Token], env: dict[str, Any]) -> str:
    return str(_MARKDOWN.renderer.render(tokens, _MARKDOWN.options, env))


def _fence(self: RendererProtocol, tokens: Sequence[Token], index: int, *rest: Any) -> str:
    token = tokens[index]
    words = token.info.split(maxsplit=1)
    return code.block(token.content, words[0].lower() if words else "")


def _image(self: RendererProtocol, tokens: Sequence[Token], index: int, *rest: Any) -> str:
    # Shown as a link: a picture from elsewhere would tell its owner who reads the answer.
    token = tokens[index]
    source = str(token.attrs.get("src", ""))
    return f'<a href="{escape(source)}">{escape(token.content or source)}</a>'


def _cell(self: RendererProtocol, tokens: Sequence[Token], index: int, *rest: Any) -> str:
    token = tokens[index]
    side = ALIGNED.get(str(token.attrs.get("style", "")))
    return f'<{token.tag} class="{side}">' if side else f"<{token.tag}>"


def _table_open(self: RendererProtocol, tokens: Sequence[Token], index: int, *rest: Any) -> str:
    # What scrolls sideways has to be reached by the keyboard.
    return '<div class="wide" tabindex="0"><table>'


def _table_close(self: RendererProtocol, tokens: Sequence[Token], index: int, *rest: Any) -> str:
    return "</table></div>\n"


def _box(self: RendererProtocol, tokens: Sequence[Token], index: int, *rest: Any) -> str:
    # The only HTML that gets here is the checkbox of a task; a letter needs no label and takes no focus.
    return "☑" if "checked=" in tokens[index].content else "☐"


def _inline_math(self: RendererProtocol, tokens: Sequence[Token], index: int, *rest: Any) -> str:
    return math.math(tokens[index].content, display=False)


def _shown_math(self: RendererProtocol, tokens: Sequence[Token], index: int, *rest: Any) -> str:
    return math.math(tokens[index].content, display=True)


def _math_block(self: RendererProtocol, tokens: Sequence[Token], index: int, *rest: Any) -> str:
    return f'<div class="formula" tabindex="0">{math.math(tokens[index].content, display=True)}</div>\n'


def _line_end(state: StateInline, silent: bool) -> bool:
    # The only way to begin a new line in a cell of a table; no other HTML is taken.
    found = BREAK.match(state.src, state.pos)
    if found is None:
        return False
    if not silent:
        state.push("hardbreak", "br", 0)
    state.pos = found.end()
    return True


def _configured() -> MarkdownIt:
    markdown = MarkdownIt("commonmark", {"html": False, "breaks": True}).enable(["table", "strikethrough"])
    markdown.use(texmath_plugin, delimiters="brackets")
    markdown.use(dollarmath_plugin, allow_space=False, allow_digits=False, double_inline=True)
    markdown.use(tasklists_plugin).use(linked)
    markdown.inline.ruler.before("autolink", "br", _line_end)
    rules = {
        "fence": _fence,
        "code_block": _fence,
        "image": _image,
        "html_inline": _box,
        "table_open": _table_open,
        "table_close": _table_close,
        "th_open": _cell,
        "td_open": _cell,
        "math_inline": _inline_math,
        "math_inline_double": _shown_math,
        "math_single": _inline_math,
        "math_block": _math_block,
        "math_block_eqno": _math_block,
        "math_block_label": _math_block,
    }
    for name, rule in rules.items():
        markdown.add_render_rule(name, rule)
    return markdown


_MARKDOWN = _configured()
