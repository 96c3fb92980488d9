"""The streaming consumer under both servers, each as a real process."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx2 as httpx
import pytest
from yard import free_port, until

pytestmark = pytest.mark.processes

ROOT = Path(__file__).parents[2]


OPTIONS = {
    "uvicorn": ("--host", "127.0.0.1", "--http", "modelyard.edge:BoundedProtocol", "--port"),
    "daphne": ("-b", "127.0.0.1", "-p"),
}


@contextmanager
def served(server: str) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """The endless application on one of the servers: its URL and process."""
    port = str(free_port())
    process = subprocess.Popen(
        [sys.executable, "-m", server, *OPTIONS[server], port, "endless_app:application"],
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests" / "support")])},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        until(lambda: answers(f"http://127.0.0.1:{port}/stopped"))
        yield f"http://127.0.0.1:{port}", process
    finally:
        process.terminate()
        process.wait(10)


@pytest.fixture(params=OPTIONS)
def url(request: pytest.FixtureRequest) -> Iterator[str]:
    with served(request.param) as (url, _):
        yield url


def answers(url: str) -> bool:
    try:
        return httpx.get(url).status_code == 200
    except httpx.TransportError:
        return False


def test_a_client_that_hangs_up_on_a_silent_stream_is_noticed_at_once(url: str) -> None:
    for number in range(1, 4):
        with httpx.stream("GET", f"{url}/endless") as stream:
            assert next(stream.iter_raw()) == b"data: first\n\n"
        gone_at = time.monotonic()
        until(lambda: httpx.get(f"{url}/stopped").text == str(number), within=5)  # noqa: B023 - called at once
        assert time.monotonic() - gone_at < 1


def test_a_stream_ends_by_itself_after_the_server_was_told_to_end() -> None:
    with served("uvicorn") as (url, process), httpx.stream("GET", f"{url}/brief") as stream:
        events = stream.iter_raw()
        first = next(events)
        process.terminate()
        whole = first + b"".join(events)
        assert whole.endswith(b"data: 19\n\ndata: [DONE]\n\n")
        process.wait(5)
        assert not answers(f"{url}/stopped")


def test_who_is_connected_when_the_server_ends_may_ask_once_more_and_is_told_to_close() -> None:
    with served("uvicorn") as (url, process), socket.create_connection(("127.0.0.1", urlsplit(url).port)) as connected:
        process.terminate()
        until(lambda: not answers(f"{url}/stopped"))
        connected.sendall(b"GET /stopped HTTP/1.1\r\nHost: a\r\n\r\n")
        answer = b"".join(iter(lambda: connected.recv(4096), b""))
        assert answer.startswith(b"HTTP/1.1 200 ")
        assert b"connection: close\r\n" in answer
        process.wait(5)
