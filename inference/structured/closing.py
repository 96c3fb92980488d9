"""Objects that have the properties which their schema lists, and no others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# Beside `properties` these say something about other properties: then the schema's own words hold.
_OTHERS = frozenset({"additionalProperties", "unevaluatedProperties", "patternProperties", "propertyNames"})
_BRANCHES = ("anyOf", "oneOf")
_NAMED = ("properties", "$defs", "definitions")
_LISTED = (*_BRANCHES, "prefixItems")


def closed(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The schema with `additionalProperties: false` wherever it lists properties and does not say otherwise.

    What several schemas say of one object together (`allOf`, or a reference beside properties) is left as it is: each
    would forbid what the others list.
    """
    return dict(schema) if _combined(schema) else _closed(schema)


def _closed(schema: Mapping[str, Any]) -> dict[str, Any]:
    lists = isinstance(schema.get("properties"), Mapping)
    branches = any(name in schema for name in _BRANCHES)
    result = {key: value if lists and key in _BRANCHES else _inside(key, value) for key, value in schema.items()}
    if lists and not branches and not _OTHERS & schema.keys():
        result["additionalProperties"] = False
    return result


def _inside(key: str, value: Any) -> Any:
    if key in _NAMED and isinstance(value, Mapping):
        return {name: _closed(one) if isinstance(one, Mapping) else one for name, one in value.items()}
    if key in _LISTED and isinstance(value, list):
        return [_closed(one) if isinstance(one, Mapping) else one for one in value]
    if key in {"items", "additionalProperties"} and isinstance(value, Mapping):
        return _closed(value)
    return value


def _combined(value: Any) -> bool:
    if isinstance(value, list):
        return any(map(_combined, value))
    if not isinstance(value, Mapping):
        return False
    return "allOf" in value or ("$ref" in value and "properties" in value) or any(map(_combined, value.values()))
