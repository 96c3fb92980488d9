"""Requests in the words of the vLLM that is there now."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from inference.engines.vllm.requests import adapted
from inference.errors import InvalidRequest

PROMPT = {"prompt": "a"}
SCHEMA = {"type": "integer"}


@pytest.mark.parametrize(
    ("asked", "form"),
    [
        ({"guided_regex": "a|b"}, {"regex": "a|b"}),
        ({"guided_choice": ["a", "b"]}, {"choice": ["a", "b"]}),
        ({"guided_json": SCHEMA, "guided_regex": None}, {"json": SCHEMA}),
        ({"response_format": {"type": "regex", "regex": "a|b"}}, {"regex": "a|b"}),
        ({"structured_outputs": {"json": SCHEMA, "json_object": False, "choice": None}}, {"json": SCHEMA}),
        ({"structured_outputs": {"json_object": False}, "guided_regex": "a"}, {"regex": "a"}),
    ],
)
def test_a_form_comes_by_the_name_that_it_has_now(asked: dict[str, Any], form: dict[str, Any]) -> None:
    assert orjson.loads(adapted(orjson.dumps(PROMPT | asked))) == PROMPT | {"structured_outputs": form}


@pytest.mark.parametrize("nothing", [{}, {"json_object": False}, None])
def test_a_form_that_asks_for_nothing_is_left_out(nothing: object) -> None:
    assert orjson.loads(adapted(orjson.dumps(PROMPT | {"structured_outputs": nothing}))) == PROMPT


@pytest.mark.parametrize(
    "asked",
    [
        {"messages": [{"role": "user", "content": 'Why "best_of", "regex", "guided_x"?'}], "best_of": 2, "n": 2},
        {"structured_outputs": 7},
        {"response_format": {"type": "json_schema", "json_schema": {"name": "regex", "schema": SCHEMA}}},
    ],
)
def test_all_else_goes_as_it_is(asked: dict[str, Any]) -> None:
    told = orjson.loads(adapted(orjson.dumps(asked)))
    assert told == {name: value for name, value in asked.items() if name != "best_of"}


def test_what_it_would_leave_out_without_a_word_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="'best_of' is not supported") as raised:
        adapted(orjson.dumps(PROMPT | {"best_of": 3, "n": 2}))
    assert (raised.value.param, raised.value.code) == ("best_of", "unsupported_parameter")
