"""`python -m inference --engine vllm` as a real process, over a server that only behaves like vLLM's."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2 as httpx
import pytest
from external_rig import lives, make_executable, make_model, until

pytestmark = pytest.mark.processes
ROOT = Path(__file__).parents[4]


class Worker:
    """A worker process with its log in a file, as an agent starts it."""

    def __init__(self, home: Path, **options: Any) -> None:
        self._log, self._pids = home / "log", home / "pids"
        command = [sys.executable, "-m", "inference", "--engine", "vllm", "--port", "0", "--name", "m"]
        environ = {
            "MODELYARD_VLLM_EXECUTABLE": str(make_executable(home / "vllm")),
            "MODELYARD_CACHE_DIR": str(home),
            "MODELYARD_WORKER_TOKEN": "t",
            "FAKE_PIDS": str(self._pids),
            "FAKE_DETACHED": "1",
        }
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                [*command, "--model", str(make_model(home / "tiny")), "--options", json.dumps(options)],
                env=os.environ | environ,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=ROOT,
            )

    @property
    def log(self) -> str:
        return self._log.read_text()

    @property
    def pids(self) -> list[int]:
        return [int(pid) for pid in self._pids.read_text().split()]

    def ready(self) -> httpx.Client:
        until(lambda: "Serving m at http" in self.log or self.process.poll() is not None)
        url = next(word for word in self.log.split() if word.startswith("http://")).removesuffix("/v1")
        return httpx.Client(base_url=url, headers={"Authorization": "Bearer t"})

    def gone(self) -> bool:
        return not any(lives(pid) for pid in self.pids)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Worker]]:
    started: list[Worker] = []

    def begin(**options: Any) -> Worker:
        started.append(Worker(tmp_path, **options))
        return started[-1]

    yield begin
    for worker in started:
        worker.process.kill()
        worker.process.wait()


def test_it_serves_and_leaves_nothing_behind(start: Callable[..., Worker]) -> None:
    worker = start()
    with worker.ready() as client:
        answer = client.post("/v1/chat/completions", json={"model": "m", "max_tokens": 1})
        assert answer.json() == {"said": 1, "model": "m"}
        assert client.get("/v1/models").json()["data"][0]["owned_by"] == "modelyard"
    assert "vllm | (Worker pid=7) INFO" in worker.log
    worker.process.send_signal(signal.SIGTERM)
    assert worker.process.wait(10) == 0
    assert worker.gone()


def test_a_worker_that_is_killed_takes_the_server_along(start: Callable[..., Worker]) -> None:
    worker = start()
    worker.ready().close()
    worker.process.kill()
    until(worker.gone)


def test_a_server_that_is_killed_fails_the_worker_with_a_reason(start: Callable[..., Worker]) -> None:
    worker = start()
    worker.ready().close()
    os.kill(worker.pids[0], signal.SIGKILL)
    assert worker.process.wait(10) == 1
    assert worker.log.splitlines()[-2].endswith("Cause: killed")
    assert "python -m inference: vLLM was killed by signal 9 (SIGKILL)." in worker.log.splitlines()[-1]
    assert worker.gone()


def test_an_option_that_is_wrong_ends_it_with_a_sentence(start: Callable[..., Worker]) -> None:
    worker = start(dtype="int3")
    assert worker.process.wait(10) == 1
    assert "'dtype' must be one of 'auto', 'float32', 'float16' or 'bfloat16'" in worker.log.splitlines()[-1]
    assert "Traceback" not in worker.log
