"""Grammars as llguidance reads them: a JSON text that lists one grammar or several that refer to each other.

Format: https://github.com/guidance-ai/llguidance/blob/main/docs/syntax.md. Nothing here loads the library, so nothing
is checked either: `Grammars` does that.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from inference.tools.formats import ToolSyntax

# One grammar of the list, without its name.
Grammar = Mapping[str, Any]

# Small models like to go on with space for ever; this is enough for an indentation of sixteen levels.
_SPACE = r"[\x20\x0A\x0D\x09]{1,33}"
_RUST_SPECIAL = re.compile(r"[\\.+*?()|\[\]{}^$#&\-~/]")


@dataclass(frozen=True, slots=True)
class ForcedTool:
    """A tool that may be called: its name, which needs no escaping in JSON, and the schema of its arguments."""

    name: str
    schema: Mapping[str, Any]


def json_schema(schema: Mapping[str, Any]) -> Grammar:
    """JSON that a schema allows."""
    # Replaces the client's own `x-guidance`, with which keywords could be ignored.
    return {"json_schema": {**schema, "x-guidance": {"whitespace_pattern": _SPACE}}}


def regex(pattern: str) -> Grammar:
    """A text that matches as a whole; the syntax of Rust's regex crate."""
    return {"lark_grammar": f"start: /{_delimited(pattern)}/"}


def choice(options: Iterable[str]) -> Grammar:
    """One of several texts."""
    return regex("|".join(map(_escaped, options)))


def serialized(grammar: Grammar) -> str:
    """A grammar by itself."""
    return _dumped([grammar])


def calls(tools: Sequence[ForcedTool], syntax: ToolSyntax, *, parallel: bool, otherwise: Grammar | None = None) -> str:
    """One call of a tool, or several when they may be parallel; or else an answer that follows another grammar."""
    form = syntax.form
    heads = [f'{{"name": "{tool.name}", "{form.arguments}": ' for tool in tools]
    objects = [f"{_literal(head)} @args_{index} {_literal('}')}" for index, head in enumerate(heads)]
    call = "object" if form.bare else f'{_mark(form.opening, syntax)} "\\n" object "\\n" {_mark(form.closing, syntax)}'
    lines = [
        "start: calls" if otherwise is None else "start: calls | @answer",
        f"calls: call ({_literal(form.separator)} call)*" if parallel else "calls: call",
        f"call: {call}",
        f"object: {' | '.join(objects)}",
    ]
    named = [{"name": f"args_{index}", **json_schema(tool.schema)} for index, tool in enumerate(tools)]
    answer = [] if otherwise is None else [{"name": "answer", **otherwise}]
    return _dumped([{"lark_grammar": "\n".join(lines)}, *named, *answer])


def _dumped(grammars: list[Grammar]) -> str:
    return orjson.dumps({"grammars": grammars}).decode()


def _mark(mark: str, syntax: ToolSyntax) -> str:
    """A token of its own is named as it is; llguidance would never let its characters pass as a text."""
    return mark if mark in syntax.tokens else _literal(mark)


def _literal(text: str) -> str:
    return orjson.dumps(text).decode()


def _escaped(text: str) -> str:
    return _RUST_SPECIAL.sub(lambda found: f"\\{found[0]}", text)


def _delimited(pattern: str) -> str:
    """A pattern between slashes: those in it are escaped, and line breaks written as such."""
    steps = re.compile(r"\\.|/|\n", re.DOTALL)
    return steps.sub(lambda found: {"/": r"\/", "\n": r"\n", "\\\n": r"\n"}.get(found[0], found[0]), pattern)
