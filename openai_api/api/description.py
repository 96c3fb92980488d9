"""What the description of the management API says of errors, which its framework does not know."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from registry.api.errors import CODES

REF = "#/components/schemas/Envelope"
ALWAYS = (400, 401, 403, 406, 503)
OF_WRITES = (409, 413, 415)
OF_ONE_ROW = (404,)
OF_EDITS = (412, 428)
METHODS = ("get", "post", "patch", "delete")
ENVELOPE: dict[str, Any] = {
    "type": "object",
    "description": "Every error.",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["message", "type", "param", "code"],
            "properties": {
                "message": {"type": "string", "description": "A sentence for a person."},
                "type": {"type": "string", "description": "The kind of error."},
                "param": {"type": ["string", "null"], "description": "The field at fault."},
                "code": {"type": ["string", "null"], "description": "For programs."},
            },
        }
    },
}


def tell_errors(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """The framework's hook: every operation with the statuses that it may answer."""
    result["components"]["schemas"]["Envelope"] = ENVELOPE
    for path, operations in result["paths"].items():
        for method in operations.keys() & set(METHODS):
            responses = operations[method]["responses"]
            for status in _statuses(method, path):
                responses.setdefault(str(status), _response(status))
            if method == "get":
                responses["304"] = {"description": "What If-None-Match names is still so."}
    return result


def _statuses(method: str, path: str) -> tuple[int, ...]:
    one = OF_ONE_ROW if "{" in path else ()
    writes = () if method == "get" else OF_WRITES
    edits = OF_EDITS if one and writes else ()
    return tuple(sorted({*ALWAYS, *one, *writes, *edits}))


def _response(status: int) -> dict[str, Any]:
    code = f" `{CODES[status]}`" if status in CODES else ""
    return {
        "description": f"{HTTPStatus(status).phrase}.{code}",
        "content": {"application/json": {"schema": {"$ref": REF}}},
    }
