"""Asks a server on this machine, from a thread that may wait."""

from __future__ import annotations

import http.client
import socket
from typing import Any

import orjson

_TIMEOUT_S = 2.0


class Probe:
    """GET requests to one port of this machine; whatever goes wrong is the answer None."""

    def __init__(self, port: int, key: str) -> None:
        self._port = port
        self._headers = {"Authorization": f"Bearer {key}"}

    def get(self, path: str) -> bytes | None:
        """The body of a 200."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=_TIMEOUT_S)
        try:
            connection.request("GET", path, headers=self._headers)
            response = connection.getresponse()
            body = response.read()
        except (OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()
        return body if response.status == 200 else None

    def json(self, path: str) -> Any:
        """A JSON body, parsed."""
        body = self.get(path)
        try:
            return None if body is None else orjson.loads(body)
        except orjson.JSONDecodeError:
            return None


def free_port() -> int:
    """One that nobody listens at now; another program may still be faster than who is told it."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])
