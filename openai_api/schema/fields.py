"""Schemas from types: of requests with what is ignored and what is refused, and of answers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from inference.protocol.refusals import Refusal
from inference.protocol.requests import ApiRequest

REF = "#/components/schemas/"
UNKNOWN = "Other fields are accepted and have no effect; the answer's header `X-Modelyard-Ignored-Fields` names them."
Schema = dict[str, Any]


def request_schemas(kinds: Iterable[type[ApiRequest]]) -> dict[str, Schema]:
    """Schemas by their names. A null is the same as an absent field, and a default that says nothing is left out."""
    kinds = tuple(kinds)
    schemas = _schemas(kinds)
    for schema in schemas.values():
        required = schema.get("required", ())
        schema["properties"] = {
            name: field if name in required else _or_null(field) for name, field in _fields(schema).items()
        }
    for kind in kinds:
        _tell_fates(schemas[kind.__name__], kind)
    return schemas


def answer_schemas(kinds: Iterable[type[BaseModel]]) -> dict[str, Schema]:
    """Schemas by their names. What is not there has no default, so none is told."""
    schemas = _schemas(tuple(kinds))
    for schema in schemas.values():
        if "properties" in schema:
            schema["properties"] = {name: _without(field, "default") for name, field in _fields(schema).items()}
    return schemas


def ref(kind: type[BaseModel]) -> Schema:
    """A schema that is the one of this type."""
    return {"$ref": REF + kind.__name__}


def _schemas(kinds: tuple[type[BaseModel], ...]) -> dict[str, Schema]:
    _, made = models_json_schema([(kind, "validation") for kind in kinds], ref_template=REF + "{model}")
    found: dict[str, Schema] = made["$defs"]
    return found


def _fields(schema: Schema) -> dict[str, Schema]:
    # Pydantic's titles are the names again.
    return {name: _without(field, "title") for name, field in schema["properties"].items()}


def _without(schema: Schema, key: str) -> Schema:
    return {name: value for name, value in schema.items() if name != key}


def _or_null(field: Schema) -> Schema:
    outer = {name: field[name] for name in ("description", "default") if field.get(name) not in (None, [], {})}
    if isinstance(outer.get("default"), dict):
        del outer["default"]
    forms = field.get("anyOf") or [{name: field[name] for name in field if name not in {"description", "default"}}]
    forms = [form for form in forms if form != {"type": "null"}]
    if len(forms) == 1 and isinstance(forms[0].get("type"), str) and not forms[0].keys() & {"enum", "const"}:
        return {**forms[0], "type": [forms[0]["type"], "null"], **outer}
    return {"anyOf": [*forms, {"type": "null"}], **outer}


def _tell_fates(schema: Schema, kind: type[ApiRequest]) -> None:
    fields = schema["properties"]
    first = sorted(fields, key=lambda name: (name in kind.idle, name not in schema["required"]))
    refused = {refusal.param: _refused(refusal) for refusal in kind.refusals}
    schema["properties"] = {name: fields[name] for name in first} | refused
    for name in kind.idle:
        fields[name]["description"] = f"Ignored. {fields[name]['description']}"
    schema["description"] = f"{schema['description']} {UNKNOWN}"


def _refused(refusal: Refusal) -> Mapping[str, Any]:
    return {
        "enum": [None, *refusal.harmless],
        "description": f"Refused: not supported by this server{refusal.hint}.",
    }
