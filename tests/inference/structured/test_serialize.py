"""Grammars as text."""

from __future__ import annotations

import json
from typing import Any

from inference.structured.serialize import ForcedTool, calls, choice, json_schema, regex, serialized
from inference.tools.formats import HERMES, LLAMA3, ToolSyntax

TOOLS = [ForcedTool("f", {"type": "object"}), ForcedTool("g", {"type": "object"})]


def grammars(text: str) -> list[dict[str, Any]]:
    return list(json.loads(text)["grammars"])


def test_a_schema_cannot_switch_off_what_it_says() -> None:
    (grammar,) = grammars(serialized(json_schema({"not": {}, "x-guidance": {"lenient": True}})))
    assert "lenient" not in grammar["json_schema"]["x-guidance"]
    assert grammar["json_schema"]["not"] == {}


def test_slashes_and_line_breaks_of_a_pattern_are_written_so_that_they_end_nothing() -> None:
    assert regex("a/b\\/c\n\\\\/")["lark_grammar"] == r"start: /a\/b\/c\n\\\//"


def test_choices_are_texts_and_no_patterns() -> None:
    assert choice(["a.b", "c|d"])["lark_grammar"] == r"start: /a\.b|c\|d/"


def test_marks_that_are_tokens_are_named_and_others_spelled() -> None:
    (spelled, *_) = grammars(calls(TOOLS, ToolSyntax(HERMES), parallel=True))
    (named, *_) = grammars(calls(TOOLS, ToolSyntax(HERMES, frozenset({"<tool_call>"})), parallel=True))
    assert 'call: "<tool_call>" "\\n" object "\\n" "</tool_call>"' in spelled["lark_grammar"]
    assert 'call: <tool_call> "\\n" object "\\n" "</tool_call>"' in named["lark_grammar"]


def test_each_tool_has_a_grammar_of_its_own_and_so_has_an_answer_without_calls() -> None:
    text = calls(TOOLS, ToolSyntax(LLAMA3), parallel=False, otherwise=regex("a+"))
    assert [grammar.get("name") for grammar in grammars(text)] == [None, "args_0", "args_1", "answer"]
    assert "start: calls | @answer\ncalls: call\n" in grammars(text)[0]["lark_grammar"]
