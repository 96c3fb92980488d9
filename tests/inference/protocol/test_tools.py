"""Tools and forms of answers in requests: what is accepted, what templates see, and the sentence for what is not."""

from __future__ import annotations

import json
from typing import Any

import pytest

from inference.protocol.chat import ChatCompletionRequest
from inference.protocol.errors import BadRequest
from inference.protocol.response_format import Constraint
from inference.protocol.tools import ToolCall, ToolChoice

HELLO = [{"role": "user", "content": "Hello"}]
F = {"type": "function", "function": {"name": "f"}}
G = {"type": "function", "function": {"name": "g", "parameters": {"type": "object", "properties": {"a": {}}}}}
NAMED = {"type": "function", "function": {"name": "g"}}
SCHEMA = {"type": "object"}
# What Python's own reader takes, and no library behind it.
DEEP = json.loads('{"a":' * 400 + "1" + "}" * 400)


def parsed(**fields: Any) -> ChatCompletionRequest:
    return ChatCompletionRequest.parse({"model": "m", "messages": HELLO, **fields})


def function(**fields: Any) -> list[dict[str, Any]]:
    return [{"type": "function", "function": fields}]


def schema(**fields: Any) -> dict[str, Any]:
    return {"type": "json_schema", "json_schema": fields}


BAD = [
    ({"tools": {}}, "tools", "must be an array, not an object"),
    ({"tools": [F] * 129}, "tools", "must have at most 128 items, not 129"),
    ({"tools": [{"type": "retrieval"}]}, "tools[0].type", "must be one of 'function'"),
    ({"tools": [{"type": "function"}]}, "tools[0].function", "is required"),
    ({"tools": function()}, "tools[0].function.name", "is required"),
    ({"tools": function(name="a b")}, "tools[0].function.name", "must have 1 to 64 letters, digits"),
    ({"tools": function(name="f", parameters=[])}, "tools[0].function.parameters", "must be an object"),
    ({"tools": function(name="f", parameters={"type": "string"})}, "tools[0].function.parameters", "type 'object'"),
    ({"tools": [F, G, F]}, "tools[2].function.name", "is 'f', as that of another tool"),
    ({"tools": [F], "tool_choice": "maybe"}, "tool_choice", "must be 'none', 'auto', 'required' or {"),
    ({"tools": [F], "tool_choice": {"type": "function", "function": {}}}, "tool_choice.function.name", "not null"),
    ({"tools": [F], "tool_choice": NAMED}, "tool_choice.function.name", "is 'g', which is not among 'tools'"),
    ({"tool_choice": "required"}, "tool_choice", "needs 'tools' to choose from"),
    ({"tools": [F], "tool_choice": "required", "ignore_eos": True}, "ignore_eos", "cannot be combined with 'tool_choi"),
    ({"chat_template_kwargs": {"tools": 1}}, "chat_template_kwargs", "must not have 'tools', which the server sets"),
    ({"response_format": "json"}, "response_format", "must be an object, not a string"),
    ({"response_format": {}}, "response_format.type", "is required"),
    ({"response_format": {"type": "xml"}}, "response_format.type", "must be one of 'text', 'json_object'"),
    ({"response_format": {"type": "regex"}}, "response_format.regex", "is required for the type 'regex'"),
    ({"response_format": {"type": "json_schema"}}, "response_format.json_schema", "is required for the type"),
    ({"response_format": schema(schema=SCHEMA)}, "response_format.json_schema.name", "is required"),
    ({"response_format": schema(name="x")}, "response_format.json_schema.schema", "is required"),
    ({"response_format": schema(name="x", schema=[])}, "response_format.json_schema.schema", "must be an object"),
    ({"response_format": schema(name="x", schema=DEEP)}, "response_format.json_schema.schema", "more than 100 levels"),
    ({"guided_json": DEEP}, "guided_json", "must not be nested more than 100 levels deep"),
    ({"tools": function(name="f", parameters=DEEP)}, "tools[0].function.parameters", "more than 100 levels"),
    ({"chat_template_kwargs": DEEP}, "chat_template_kwargs", "must not be nested more than 100 levels deep"),
    ({"guided_json": "{"}, "guided_json", "its text is not valid JSON"),
    ({"guided_choice": []}, "guided_choice", "must have 1 to 1000 strings, not 0"),
    ({"guided_choice": [1]}, "guided_choice", "must be an array of strings"),
    ({"structured_outputs": {"regex": 1}}, "structured_outputs.regex", "must be a string"),
    ({"guided_regex": "a", "guided_choice": ["a"]}, "guided_choice", "cannot be combined with 'guided_regex'"),
    ({"guided_regex": "a", "min_tokens": 3}, "min_tokens", "cannot be combined with 'guided_regex', which says"),
    ({"guided_grammar": "root ::= a"}, "guided_grammar", "is not supported by this server; use a JSON schema"),
]


@pytest.mark.parametrize(("fields", "param", "sentence"), BAD)
def test_a_bad_field_is_named_and_explained(fields: dict[str, Any], param: str, *, sentence: str) -> None:
    with pytest.raises(BadRequest) as caught:
        parsed(**fields)
    assert caught.value.param == param
    assert caught.value.message.startswith(f"'{param}' ")
    assert sentence in caught.value.message


@pytest.mark.parametrize(
    ("fields", "constraint"),
    [
        ({}, None),
        ({"response_format": {"type": "text"}}, None),
        ({"response_format": {"type": "json_object"}}, Constraint("response_format", schema=SCHEMA)),
        (
            {"response_format": schema(name="x", schema=SCHEMA, strict=True)},
            Constraint("response_format.json_schema.schema", schema=SCHEMA),
        ),
        ({"response_format": {"type": "regex", "regex": "a"}}, Constraint("response_format.regex", regex="a")),
        ({"structured_outputs": {"choice": ["a"]}}, Constraint("structured_outputs.choice", choice=("a",))),
        ({"structured_outputs": {"json": SCHEMA}}, Constraint("structured_outputs.json", schema=SCHEMA)),
        ({"guided_json": '{"type": "object"}'}, Constraint("guided_json", schema=SCHEMA)),
    ],
)
def test_the_form_of_an_answer_has_several_names(fields: dict[str, Any], constraint: Constraint | None) -> None:
    assert parsed(**fields).constraint == constraint


@pytest.mark.parametrize(
    ("choice", "seen", "usable", "forced"),
    [
        (None, ToolChoice("auto"), ["f", "g"], False),
        ("none", ToolChoice("none"), [], False),
        ("required", ToolChoice("required"), ["f", "g"], True),
        (NAMED, ToolChoice("required", "g"), ["f", "g"], True),
    ],
)
def test_a_choice_says_which_tools_may_and_must_be_called(
    choice: Any, seen: ToolChoice, *, usable: list[str], forced: bool
) -> None:
    request = parsed(tools=[F, G], tool_choice=choice)
    assert request.tool_choice == seen
    assert [tool.function.name for tool in request.usable_tools] == usable
    assert request.tool_choice.forces == forced


def test_templates_see_tools_in_the_order_that_models_were_taught() -> None:
    tool = {"function": {"strict": True, "parameters": {"properties": {}}, "name": "f"}, "type": "function"}
    (seen,) = parsed(tools=[tool]).tools
    wanted = {
        "type": "function",
        "function": {"name": "f", "parameters": {"type": "object", "properties": {}}},
    }
    assert repr(seen.for_template()) == repr(wanted)


@pytest.mark.parametrize(
    ("arguments", "seen"),
    [('{"a": 1}', {"a": 1}), ("", {}), *((text, text) for text in ("oops", "[1]", '"x"', json.dumps(DEEP)))],
)
def test_templates_see_arguments_as_an_object_if_they_are_one(arguments: str, seen: object) -> None:
    call = ToolCall.model_validate({"id": "1", "function": {"name": "f", "arguments": arguments}})
    assert call.for_template() == {"id": "1", "type": "function", "function": {"name": "f", "arguments": seen}}
