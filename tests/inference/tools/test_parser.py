"""Calls of tools in the text of answers, whole and in pieces."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inference.tools.formats import HERMES, LLAMA3, ToolFormat
from inference.tools.parser import Expected, ToolCallParser

Found = tuple[str, list[tuple[str, str]]]
CALL = '<tool_call>\n{"name": "f", "arguments": {"a": "}<"}}\n</tool_call>'
BARE = '{"name": "f", "parameters": {"a": 1}}'


def parse(pieces: Iterable[str], form: ToolFormat = HERMES, most: int | None = None) -> Found:
    """Content and calls, put together as a client of a stream does."""
    counter = itertools.count()
    parser = ToolCallParser(Expected(form, ("f", "g"), most), lambda: f"id{next(counter)}")
    content, calls = "", dict[int, list[str]]()
    for parsed in [*map(parser.push, pieces), parser.finish()]:
        content += parsed.content
        for delta in parsed.calls:
            if delta.name is not None:
                assert delta.id == f"id{delta.index}"
                assert delta.index == len(calls)
                calls[delta.index] = [delta.name, ""]
            calls[delta.index][1] += delta.arguments
    assert parser.called == bool(calls or most == 0)
    return content, [(name, arguments) for name, arguments in calls.values()]


HERMES_CASES: list[tuple[str, Found]] = [
    ("", ("", [])),
    ("Hello.\n", ("Hello.\n", [])),
    (CALL, ("", [("f", '{"a": "}<"}')])),
    (f"Let me see.\n{CALL}\n{CALL}\n", ("Let me see.", [("f", '{"a": "}<"}')] * 2)),
    (f"{CALL}\n\nDone.", ("\n\nDone.", [("f", '{"a": "}<"}')])),
    ("2 < 3 and <tool", ("2 < 3 and <tool", [])),
    ("Use <tool_call> for it.", ("Use <tool_call> for it.", [])),
    ('a\n<tool_call>{"nme": 1}</tool_call>', ('a\n<tool_call>{"nme": 1}</tool_call>', [])),
    ('<tool_call>{"name": 5}</tool_call>', ('<tool_call>{"name": 5}</tool_call>', [])),
    ('<tool_call>{"name": "f"}</tool_call>', ("", [("f", "{}")])),
    ('<tool_call>{"arguments": {"a": 1}, "name": "f"}</tool_call>', ("", [("f", '{"a": 1}')])),
    ('<tool_call>{"name": "f", "arguments": "{\\"a\\": 1}"}</tool_call>', ("", [("f", '{"a": 1}')])),
    ('<tool_call>{"name": "f", "arguments": null}</tool_call>', ("", [("f", "{}")])),
    ('<tool_call>{"name": "f", "arguments": {"a": oops}}</tool_call>', ("", [("f", '{"a": oops}')])),
    ('<tool_call>{"name": "f", "arguments": {"a": 1}, "x": [2]}</tool_call>', ("", [("f", '{"a": 1}')])),
    ('<tool_call>{"name": "f", "arguments": {"a": 1}\n</tool_call> b', (" b", [("f", '{"a": 1}')])),
    ('<tool_call>{"name": "f", "arguments": {"a": 1}}}\n</tool_call>', ("", [("f", '{"a": 1}')])),
    ('<tool_call>{"name": "f", "arguments": {"a": "\n</t"}}\n</tool_call>', ("", [("f", '{"a": "\n</t"}')])),
    ('<tool_call>{"name": "f", "arguments": {"a": "open}}\n</tool_call>b', ("b", [("f", '{"a": "open}}\n')])),
    ('<tool_call>{"name": "f", "arguments": {"a": "</tool_call>"}}', ("", [("f", '{"a": "</tool_call>"}')])),
    ('<tool_call>{"name": "f", "arguments": {"a": 1', ("", [("f", '{"a": 1')])),
    ('<tool_call>{"name": "f", "argu', ('<tool_call>{"name": "f", "argu', [])),
    ('<tool_call>{"x" <tool_call>{"name": "f", "arguments": {}}', ('<tool_call>{"x" ', [("f", "{}")])),
    ('<tool_call>{"name": "other", "arguments": {}}</tool_call>', ("", [("other", "{}")])),
]

LLAMA3_CASES: list[tuple[str, Found]] = [
    ("  ", ("  ", [])),
    (BARE, ("", [("f", '{"a": 1}')])),
    (f"\n{BARE}; {BARE}", ("", [("f", '{"a": 1}')] * 2)),
    (f"<|python_tag|>{BARE}", ("", [("f", '{"a": 1}')])),
    (f"Now:\n<|python_tag|>{BARE}", ("Now:", [("f", '{"a": 1}')])),
    ('{"type": "function", "name": "f", "parameters": {}}', ("", [("f", "{}")])),
    (f"{BARE} Done.", ("Done.", [("f", '{"a": 1}')])),
    (f"I would send {BARE}", (f"I would send {BARE}", [])),
    ('{"name": "Bob", "parameters": {}}', ('{"name": "Bob", "parameters": {}}', [])),
    ('{"name": "f"}', ('{"name": "f"}', [])),
    ('{"answer": 42}', ('{"answer": 42}', [])),
    ("<|python_tag|>print(1)", ("<|python_tag|>print(1)", [])),
]

CASES = [*((HERMES, *case) for case in HERMES_CASES), *((LLAMA3, *case) for case in LLAMA3_CASES)]


@pytest.mark.parametrize(("form", "text", "found"), CASES)
def test_calls_and_content_are_told_apart_wherever_the_text_is_cut(
    form: ToolFormat, text: str, *, found: Found
) -> None:
    assert parse([text], form) == found
    assert parse(text, form) == found
    assert all(parse([text[:cut], text[cut:]], form) == found for cut in range(len(text)))


FRAGMENTS = st.sampled_from(
    [
        *("<tool_call>", "</tool_call>", "<|python_tag|>", CALL, BARE, "<", "<tool", "null", ";", "a"),
        *('{"name": "f", ', '"arguments": ', '"parameters": {', "{", "}", '"', "\\", "\n", " ", ": ", ", "),
    ]
)


@settings(max_examples=200, deadline=None)
@given(st.lists(FRAGMENTS, max_size=14).map("".join), st.sampled_from([HERMES, LLAMA3]), st.data())
def test_any_cutting_of_any_text_gives_what_the_whole_gives(text: str, form: ToolFormat, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=8)))
    pieces = [text[start:end] for start, end in itertools.pairwise([0, *cuts, len(text)])]
    assert parse(pieces, form) == parse([text], form)


@settings(max_examples=100, deadline=None)
@given(st.dictionaries(st.text(), st.recursive(st.none() | st.integers() | st.text(), st.lists, max_leaves=4)))
def test_arguments_come_out_as_they_were_written(arguments: dict[str, Any]) -> None:
    written = json.dumps(arguments, ensure_ascii=False)
    text = f'<tool_call>\n{{"name": "f", "arguments": {written}}}\n</tool_call>'
    assert parse([text]) == ("", [("f", written)])


def test_arguments_go_out_before_they_are_complete_and_marks_never_do() -> None:
    parser = ToolCallParser(Expected(HERMES, ("f",)), lambda: "id")
    assert parser.push("So <tool").content == "So"
    begun = parser.push('_call>{"name": "f", "arguments": {"a')
    assert (begun.content, begun.calls[0].name, begun.calls[0].arguments) == ("", "f", '{"a')
    assert [call.arguments for call in parser.push('": 1}').calls] == ['": 1}']


def test_calls_beyond_the_first_are_left_out_when_only_one_is_wanted() -> None:
    assert parse(CALL + CALL, most=1) == ("", [("f", '{"a": "}<"}')])


def test_every_call_has_an_id_of_its_own() -> None:
    parser = ToolCallParser(Expected(HERMES, ("f",)))
    ids = [call.id for call in parser.push(CALL + CALL).calls]
    assert len({call_id for call_id in ids if call_id and call_id.startswith("call_")}) == 2


def test_a_call_that_is_cut_before_its_name_is_no_text_after_others() -> None:
    assert parse([f'{CALL}\n<tool_call>\n{{"name']) == parse([CALL])
