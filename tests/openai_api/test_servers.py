"""The streaming consumer under both servers, each as a real process."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2 as httpx
import pytest
from yard import free_port, until

pytestmark = pytest.mark.processes

ROOT = Path(__file__).parents[2]


@pytest.fixture(params=["uvicorn", "daphne"])
def url(request: pytest.FixtureRequest) -> Iterator[str]:
    port = str(free_port())
    options = ["--host", "127.0.0.1", "--port", port] if request.param == "uvicorn" else ["-b", "127.0.0.1", "-p", port]
    process = subprocess.Popen(
        [sys.executable, "-m", request.param, *options, "endless_app:application"],
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests" / "support")])},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        until(lambda: answers(f"http://127.0.0.1:{port}/stopped"))
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(10)


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
