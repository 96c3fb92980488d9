"""Addresses in a text become links, whole ones only: `main.py` and `readme.md` could be hosts, too.

By our own few lines: linkify-it's time grows with the square of a text like `https://(https://(…`, to a minute.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from markdown_it.token import Token

# It ends before what only ends the sentence, in Chinese as well, and has its brackets in pairs.
_APART = r"\s<>\"'`()*_~.,;:!?\u2013-\u2026\u3000-\u303f\uff00-\uff65"
_BETWEEN = rf"[.,;:!?'*_~]++(?=[^{_APART}])|_(?=\()"
_BRACKETS = r"\([^\s()<>]{0,200}\)"
ADDRESS = re.compile(rf"(?<![a-z\d])https?://(?:[^{_APART}]|{_BETWEEN}|{_BRACKETS})+", re.IGNORECASE)


def linked(markdown: MarkdownIt) -> None:
    """A plugin of markdown-it."""
    markdown.core.ruler.after("text_join", "addresses", _addresses)


def _addresses(state: StateCore) -> None:
    for block in state.tokens:
        if block.children and any("://" in token.content for token in block.children):
            block.children = list(_inline(block.children, state.md))


def _inline(tokens: list[Token], markdown: MarkdownIt) -> Iterator[Token]:
    depth = 0  # within links, which hold no others
    for token in tokens:
        depth += token.nesting if token.type in {"link_open", "link_close"} else 0
        if token.type == "text" and not depth:
            yield from _pieces(token, markdown)
        else:
            yield token


def _pieces(token: Token, markdown: MarkdownIt) -> Iterator[Token]:
    end = 0
    for found in ADDRESS.finditer(token.content):
        href = markdown.normalizeLink(found[0])
        yield _text(token.content[end : found.start()])
        yield Token("link_open", "a", 1, attrs={"href": href})
        yield _text(found[0])
        yield Token("link_close", "a", -1)
        end = found.end()
    yield _text(token.content[end:])


def _text(content: str) -> Token:
    return Token("text", "", 0, content=content)
