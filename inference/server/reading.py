"""From an HTTP request to a checked one of the protocol."""

from __future__ import annotations

from typing import TypeVar

from aiohttp import web

from inference.protocol.body import parse_body
from inference.protocol.requests import ApiRequest
from inference.server.keys import IGNORED

Request = TypeVar("Request", bound=ApiRequest)


async def read(http: web.Request, kind: type[Request]) -> Request:
    """The request in the body; what it has for nothing is noted for the answer's headers. Raises `BadRequest`."""
    body = parse_body(await http.read())
    request = kind.parse(body)
    http[IGNORED] = kind.ignored(body)
    return request
