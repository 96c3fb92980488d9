"""The server that a chat talks to: a few requests, over the standard library's HTTP."""

from __future__ import annotations

import json
from collections.abc import Generator, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from typing import Any
from urllib.parse import quote, urlsplit

from openai_api.errors import RequestRefused, ServerUnreachable, WrongAddress

CONNECT_S = 10.0
SILENCE_S = 900.0  # longer than the gateway lets an engine be silent


@dataclass(frozen=True, slots=True)
class Server:
    """An OpenAI-compatible API: its URL up to and with `/v1`, and the key for it."""

    base_url: str
    api_key: str = field(repr=False)

    @classmethod
    def at(cls, url: str, api_key: str) -> Server:
        """Raises `WrongAddress` for what is no URL of an API."""
        parts = urlsplit(url if "://" in url else f"http://{url}")
        try:
            known = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
        except ValueError:  # a port that is no number
            known = False
        if not known:
            raise WrongAddress(f"{url!r} is not the URL of an API: write it like http://127.0.0.1:8000/v1.")
        path = parts.path.rstrip("/") or "/v1"
        return cls(f"{parts.scheme}://{parts.netloc}{path}", api_key)

    def models(self) -> list[dict[str, Any]]:
        """The cards of all models."""
        with self._asked("GET", "/models") as response:
            cards: list[dict[str, Any]] = _json(response)["data"]
        return cards

    def state(self, model: str) -> str:
        """What the model is doing, in one word; empty when the server does not tell."""
        with self._asked("GET", f"/models/{quote(model)}") as response:
            return str(_json(response).get("state", ""))

    def stream(self, body: Mapping[str, Any]) -> Generator[str]:
        """The answer, piece by piece. Closing the iterator hangs up, which stops the model."""
        with self._asked("POST", "/chat/completions", {**body, "stream": True}) as response:
            for line in response:
                data = line.removeprefix(b"data:").strip() if line.startswith(b"data:") else b""
                if data == b"[DONE]":
                    return
                if data and (text := _delta(json.loads(data))):
                    yield text
        raise ServerUnreachable("The connection ended before the answer did.")

    @contextmanager
    def _asked(self, method: str, path: str, body: object = None) -> Iterator[HTTPResponse]:
        """The response to one request. Raises `RequestRefused` and `ServerUnreachable`."""
        headers = {"Authorization": f"Bearer {self.api_key}", "Content-Type": "application/json"}
        content = json.dumps(body).encode() if body is not None else None
        try:
            with closing(self._connection()) as connection:
                connection.connect()
                connection.sock.settimeout(SILENCE_S)
                connection.request(method, urlsplit(self.base_url).path + path, content, headers)
                # Closed by itself: it keeps the socket, and only a closed socket tells the server to stop.
                with closing(connection.getresponse()) as response:
                    if response.status != 200:
                        raise _refusal(response)
                    yield response
        except (OSError, HTTPException, ValueError, KeyError) as error:
            reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
            raise ServerUnreachable(f"{self.base_url} does not answer as an API does ({reason}).") from error

    def _connection(self) -> HTTPConnection:
        # No proxy and no redirect: the key goes to the host that was named, and to no other.
        parts = urlsplit(self.base_url)
        kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
        return kind(parts.hostname or "", parts.port, timeout=CONNECT_S)


def _json(response: HTTPResponse) -> dict[str, Any]:
    content = json.loads(response.read())
    if not isinstance(content, dict):
        raise ValueError("no JSON object")
    return content


def _refusal(response: HTTPResponse) -> RequestRefused:
    try:
        words = str(_json(response)["error"]["message"])
    except (ValueError, KeyError, TypeError):
        words = f"The server answered {response.status} {response.reason}."
    return RequestRefused(words, status=response.status)


def _delta(chunk: dict[str, Any]) -> str:
    if "error" in chunk:
        raise RequestRefused(str(chunk["error"]["message"]), status=200)
    choices = chunk.get("choices") or [{}]
    return str(choices[0].get("delta", {}).get("content") or "")
