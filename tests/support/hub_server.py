"""A hub on this machine: the few endpoints that downloading a model takes, over real HTTP, with faults on demand."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import unquote, urlsplit

COMMIT = "c0ffee" * 6 + "c0ff"
LARGE = 1000  # bytes from which a file is kept by its content, as the real hub does with 10 MB


@dataclass
class Hub:
    """What is served, and what was asked: (method, path, Range header, Authorization header)."""

    models: dict[str, dict[str, bytes]] = field(default_factory=dict)
    gated: set[str] = field(default_factory=set)
    broken: set[str] = field(default_factory=set)  # models that are answered with 503
    cut: dict[str, int] = field(default_factory=dict)  # files that end after so many bytes
    spoiled: set[str] = field(default_factory=set)  # files whose content is not what the list says
    asked: list[tuple[str, str, str, str]] = field(default_factory=list)
    address: str = ""

    def fetched(self, path: str) -> list[str]:
        """The ranges of the requests that fetched a file."""
        return [wanted for method, asked, wanted, _ in self.asked if method == "GET" and asked.endswith(f"/{path}")]


class Handler(BaseHTTPRequestHandler):
    hub: Hub
    protocol_version = "HTTP/1.1"

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        path = unquote(urlsplit(self.path).path)
        headers = (self.headers.get("Range", ""), self.headers.get("Authorization", ""))
        self.hub.asked.append((self.command, path, *headers))
        parts = path.strip("/").split("/")
        api = parts[:2] == ["api", "models"]
        parts = parts[2:] if api else parts
        model, rest = "/".join(parts[:2]), parts[2:]
        if refusal := self.refusal(model, rest, headers[1]):
            self.answer(*refusal)
        elif api:
            self.answer(200, json.dumps(self.facts(model, rest)).encode(), {})
        else:
            self.file(self.hub.models[model], "/".join(rest[2:]))

    def refusal(self, model: str, rest: list[str], key: str) -> tuple[int, bytes, dict[str, str]] | None:
        if model in self.hub.broken:
            return 503, b"", {}
        if model not in self.hub.models:
            return 401, b"", {"X-Error-Code": "RepoNotFound"}
        if model in self.hub.gated and key != "Bearer good":
            return 403, b"", {"X-Error-Code": "GatedRepo"}
        if len(rest) > 1 and rest[1] not in {"main", "v1", COMMIT}:
            return 404, b"", {"X-Error-Code": "RevisionNotFound"}
        return None

    def facts(self, model: str, rest: list[str]) -> Any:
        if rest[:1] == ["tree"]:
            return [self.entry(path, content) for path, content in self.hub.models[model].items()]
        return {"id": model, "sha": COMMIT, "siblings": []}

    def entry(self, path: str, content: bytes) -> dict[str, Any]:
        entry: dict[str, Any] = {"type": "file", "path": path, "size": len(content), "oid": digest(content)[:40]}
        if len(content) >= LARGE:
            entry["lfs"] = {"oid": digest(content), "size": len(content), "pointerSize": 134}
        return entry

    def file(self, files: Mapping[str, bytes], path: str) -> None:
        if path not in files:
            self.answer(404, b"", {"X-Error-Code": "EntryNotFound"})
            return
        content = files[path]
        headers = {"X-Repo-Commit": COMMIT, "ETag": f'"{digest(content)}"'}
        if path in self.hub.spoiled:
            content = bytes(len(content))
        start = int(self.headers.get("Range", "bytes=0-").split("=")[1].split("-")[0])
        if start:
            headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
        self.answer(206 if start else 200, content[start:], headers, cut=self.hub.cut.get(path))

    def answer(self, status: int, body: bytes, headers: dict[str, str], *, cut: int | None = None) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body[:cut])
        self.close_connection = cut is not None

    def log_message(self, *_: Any) -> None:
        """Quiet."""


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@contextmanager
def serving() -> Iterator[Hub]:
    hub = Hub()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (Handler,), {"hub": hub}))
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    hub.address = f"http://127.0.0.1:{server.server_port}"
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
