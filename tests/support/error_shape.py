"""One check for every error of the API."""

from __future__ import annotations

from typing import Any

import aiohttp


async def assert_error_shape(response: aiohttp.ClientResponse, status: int, code: str | None) -> str:
    """OpenAI's envelope with this status and code; returns the message."""
    body = await response.json()
    assert response.status == status, body
    assert response.headers["Content-Type"] == "application/json"
    assert response.headers["X-Request-Id"]
    return assert_envelope(body, code)


def assert_envelope(body: Any, code: str | None) -> str:
    """The body alone, as it also comes in streams."""
    assert list(body) == ["error"]
    assert list(body["error"]) == ["message", "type", "param", "code"]
    assert body["error"]["code"] == code, body
    message: str = body["error"]["message"]
    assert message.endswith((".", "…"))
    return message
