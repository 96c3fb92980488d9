"""Whom to ask: a server, its model and the key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import orjson

CHAT, COMPLETIONS, EMBEDDINGS = "/chat/completions", "/completions", "/embeddings"


@dataclass(frozen=True, slots=True)
class Target:
    """A server by its base URL, such as http://127.0.0.1:8001/v1."""

    url: str
    model: str
    key: str = field(default="EMPTY", repr=False)

    @property
    def address(self) -> tuple[str, int]:
        """Host and port."""
        parts = urlsplit(self.url)
        return parts.hostname or "127.0.0.1", parts.port or 80

    def post(self, path: str, body: Mapping[str, Any]) -> bytes:
        """The bytes of a request for this model; what `body` names itself stays."""
        return self.post_bytes(path, orjson.dumps({"model": self.model, **body}))

    def post_bytes(self, path: str, content: bytes) -> bytes:
        """The same with any content, also such as no server takes."""
        about = f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n"
        return self._head("POST", path, about) + content

    def get(self, path: str) -> bytes:
        """The bytes of a request without a body."""
        return self._head("GET", path, "")

    def _head(self, method: str, path: str, more: str) -> bytes:
        host, port = self.address
        # A connection a request: a reused one may be closed by the server just as a request goes out.
        return (
            f"{method} {urlsplit(self.url).path.rstrip('/')}{path} HTTP/1.1\r\nHost: {host}:{port}\r\n"
            f"Authorization: Bearer {self.key}\r\nConnection: close\r\n{more}\r\n"
        ).encode()
