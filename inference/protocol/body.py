"""From the bytes of a request to a JSON object."""

from __future__ import annotations

from typing import Any

import orjson

from inference.protocol.errors import BadRequest


def parse_body(raw: bytes) -> dict[str, Any]:
    """The JSON object in a request's body; anything else is a 400."""
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise BadRequest(f"The request body is not valid JSON: {error}.", code="invalid_json") from None
    if not isinstance(body, dict):
        raise BadRequest("The request body must be a JSON object.", code="invalid_json")
    return body
