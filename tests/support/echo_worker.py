"""A real worker process with the echo engine, without a database."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import httpx2 as httpx

from registry.catalog import Replica
from registry.tokens import worker_token

ALL = ("chat", "completions", "embeddings")
SERVING = re.compile(r"Serving \S+ at (https?://[^/]+)/v1")


@dataclass(frozen=True)
class EchoWorker:
    """The process, and where it serves."""

    process: subprocess.Popen[str]
    address: str
    launch_id: UUID

    @property
    def replica(self) -> Replica:
        return Replica(self.launch_id, self.address, ALL, 4096)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def drain(self) -> None:
        self.process.send_signal(signal.SIGTERM)

    @property
    def running(self) -> int:
        """Sequences that the engine works on now."""
        return int(self.stats()["engine"]["running"])

    @property
    def requests(self) -> int:
        """Requests since it started."""
        return int(self.stats()["requests_total"])

    def stats(self) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {worker_token(self.launch_id)}"}
        return dict(httpx.get(f"{self.address}/stats", headers=headers).raise_for_status().json())


@contextmanager
def echo_worker(name: str = "echo", *, arguments: Sequence[str] = (), **options: Any) -> Iterator[EchoWorker]:
    """A worker that is ready; options are the engine's, arguments the process's."""
    launch_id = uuid4()
    command = [sys.executable, "-m", "inference", "--model", name, "--name", name, "--engine", "echo", "--port", "0"]
    process = subprocess.Popen(
        [*command, "--launch-id", str(launch_id), "--options", json.dumps(options), *arguments],
        env=os.environ | {"MODELYARD_WORKER_TOKEN": worker_token(launch_id)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield EchoWorker(process, _address(process), launch_id)
    finally:
        process.kill()
        process.communicate()


def _address(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    for line in process.stdout:
        if serving := SERVING.search(line):
            return serving[1]
    raise AssertionError("the worker ended before it was ready")
