"""Which objects of a schema may have what it does not list."""

from __future__ import annotations

from typing import Any

import pytest

from inference.structured.closing import closed

NAME = {"properties": {"name": {"type": "string"}}}
SHUT = {**NAME, "additionalProperties": False}


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        (NAME, SHUT),
        ({"type": "object", "properties": {}}, {"type": "object", "properties": {}, "additionalProperties": False}),
        ({"items": NAME}, {"items": SHUT}),
        ({"anyOf": [NAME, {"type": "null"}]}, {"anyOf": [SHUT, {"type": "null"}]}),
        ({"$ref": "#/$defs/p", "$defs": {"p": NAME}}, {"$ref": "#/$defs/p", "$defs": {"p": SHUT}}),
        (
            {"properties": {"properties": NAME, "x": True}},
            {"properties": {"properties": SHUT, "x": True}, "additionalProperties": False},
        ),
        ({"additionalProperties": NAME}, {"additionalProperties": SHUT}),
    ],
)
def test_an_object_with_listed_properties_has_no_others(schema: dict[str, Any], expected: dict[str, Any]) -> None:
    assert closed(schema) == expected


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "object"},
        {**NAME, "additionalProperties": True},
        {**NAME, "additionalProperties": {"type": "integer"}},
        {**NAME, "patternProperties": {"^x": {}}},
        {**NAME, "anyOf": [{"properties": {"a": {}}}, {"required": ["name"]}]},
        {"allOf": [NAME, {"properties": {"a": {}}}]},
        {"$defs": {"p": NAME}, "properties": {"a": {"allOf": [{"$ref": "#/$defs/p"}, {"properties": {"b": {}}}]}}},
        {"$defs": {"p": NAME}, "$ref": "#/$defs/p", "properties": {"b": {}}},
        {"enum": [{"properties": {}}], "const": NAME},
    ],
)
def test_a_schema_that_says_otherwise_or_is_combined_stays_as_it_is(schema: dict[str, Any]) -> None:
    assert closed(schema) == schema
