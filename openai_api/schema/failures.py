"""The errors of the inference API by their status, read from the trees of error classes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from inference.protocol.errors import ApiError
from openai_api import errors
from openai_api.schema.answers import Error
from openai_api.schema.fields import ref

OURS = ("inference.protocol.errors", errors.__name__)
RETRY_AFTER = {"Retry-After": {"$ref": "#/components/headers/Retry-After"}}
# Sent before a request is one: the server's edge counts headers.
HEADERS_TOO_LARGE = "More headers than a request may have, or larger ones."


def failure_responses() -> dict[str, Any]:
    """A response for each status, by the name under which operations refer to it."""
    found: dict[HTTPStatus, list[type[ApiError]]] = defaultdict(list)
    for kind in _kinds(ApiError):
        found[kind.status].append(kind)
    told = {status: _sentences(kinds) for status, kinds in found.items()}
    told[HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE] = HEADERS_TOO_LARGE
    return {response_name(status): _response(status, told[status]) for status in sorted(told)}


def response_name(status: int) -> str:
    """Such as `TooManyRequests`."""
    return HTTPStatus(status).phrase.title().replace(" ", "").replace("-", "")


def _kinds(root: type[ApiError]) -> Iterator[type[ApiError]]:
    for kind in root.__subclasses__():
        if kind.__module__ in OURS and not kind.__name__.startswith("_"):
            yield kind
        yield from _kinds(kind)


def _sentences(kinds: list[type[ApiError]]) -> str:
    lines = (f"- {kind.__doc__}{_codes(kind)}" for kind in kinds)
    return "\n".join(dict.fromkeys(lines))


def _codes(kind: type[ApiError]) -> str:
    return f" `{kind.code}`" if kind.code else ""


def _response(status: HTTPStatus, told: str) -> dict[str, Any]:
    later = status in {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}
    return {
        "description": told,
        "headers": {"X-Request-Id": {"$ref": "#/components/headers/X-Request-Id"}, **(RETRY_AFTER if later else {})},
        "content": {"application/json": {"schema": ref(Error)}},
    }
