"""From the bytes of a request to a JSON object."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import orjson

from inference.protocol.errors import BadRequest

ALWAYS_ENCODABLE = 200  # levels


class _Twice(ValueError):
    """An object has a key twice."""


def parse_body(raw: bytes) -> dict[str, Any]:
    """The JSON object in a request's body; anything else is a 400.

    A key twice in one object is a 400 too: which of them counts is up to the parser, so that one on the way may have
    read another request than we do.
    """
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise BadRequest(f"The request body is not valid JSON: {error}.", code="invalid_json") from None
    if not isinstance(body, dict):
        raise BadRequest("The request body must be a JSON object.", code="invalid_json")
    # Few have that many; the encoder, which passes the body on, goes less deep than the parser.
    if raw.count(b"[") + raw.count(b"{") > ALWAYS_ENCODABLE:
        _check_depth(body)
    _check_keys(raw)
    return body


def _check_keys(raw: bytes) -> None:
    # orjson does not tell. The standard library's parser takes 4 µs for a short chat, and for long ones two or three
    # times what orjson does.
    try:
        json.loads(raw, object_pairs_hook=_each_once)
    except _Twice as twice:
        key = str(twice)[:64]
        message = f"The key '{key}' is there twice in one object of the request body."
        raise BadRequest(message, param=key, code="invalid_json") from None
    except (ValueError, RecursionError):
        # A number of thousands of digits, or more levels than Python follows.
        message = "The request body has a number that is too long, or is nested too deeply."
        raise BadRequest(message, code="invalid_json") from None


def _each_once(pairs: list[tuple[str, Any]]) -> None:
    if len(dict(pairs)) < len(pairs):
        counts = Counter(key for key, _ in pairs)
        raise _Twice(counts.most_common(1)[0][0])


def _check_depth(body: dict[str, Any]) -> None:
    try:
        orjson.dumps({"body": body})
    except orjson.JSONEncodeError:
        raise BadRequest("The request body is nested too deeply.", code="invalid_json") from None
