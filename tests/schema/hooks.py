"""Loaded by schemathesis: what it makes up asks a model that is there, and leaves the key alone that it uses."""

from __future__ import annotations

from typing import Any

import schemathesis

ASKED = {"enum": ["echo"]}
OWN_KEYS = ("1", "2")


@schemathesis.hook
def before_load_schema(context: Any, raw_schema: dict[str, Any]) -> None:
    """Requests that name a model name this one."""
    for name, schema in raw_schema["components"]["schemas"].items():
        if name.endswith("Request") and "model" in schema.get("required", ()):
            schema["properties"]["model"] = ASKED
    for operations in raw_schema["paths"].values():
        for operation in operations.values():
            for parameter in operation.get("parameters", ()):
                if (parameter["name"], parameter["in"]) == ("model", "path"):
                    parameter["schema"] = {"enum": ["echo", "nobody"]}


@schemathesis.hook
def map_path_parameters(context: Any, path_parameters: dict[str, Any] | None) -> dict[str, Any] | None:
    """Neither this key nor the first one is revoked or rotated."""
    if path_parameters and "/keys/" in context.operation.path and str(path_parameters.get("id")) in OWN_KEYS:
        return {**path_parameters, "id": "3"}
    return path_parameters
