"""From the bytes of a request to a JSON object."""

from __future__ import annotations

from typing import Any

import orjson

from inference.protocol.errors import BadRequest

ALWAYS_ENCODABLE = 200  # levels


def parse_body(raw: bytes) -> dict[str, Any]:
    """The JSON object in a request's body; anything else is a 400."""
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise BadRequest(f"The request body is not valid JSON: {error}.", code="invalid_json") from None
    if not isinstance(body, dict):
        raise BadRequest("The request body must be a JSON object.", code="invalid_json")
    # Few have that many; the encoder, which passes the body on, goes less deep than the parser.
    if raw.count(b"[") + raw.count(b"{") > ALWAYS_ENCODABLE:
        _check_depth(body)
    return body


def _check_depth(body: dict[str, Any]) -> None:
    try:
        orjson.dumps({"body": body})
    except orjson.JSONEncodeError:
        raise BadRequest("The request body is nested too deeply.", code="invalid_json") from None
