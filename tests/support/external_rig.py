"""An engine over a server that only behaves like vLLM's, as real processes."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from inference.engines.base import LoadProgress
from inference.engines.vllm.engine import VllmEngine
from inference.failure import Failure

FAKE = Path(__file__).with_name("fake_vllm.py")
HEADER = json.dumps({"w": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}).encode()


@dataclass
class Rig:
    """An engine over a fake server, what it reported, and which processes there are."""

    engine: VllmEngine
    pids_file: Path
    reports: list[LoadProgress] = field(default_factory=list)
    crashes: list[Failure] = field(default_factory=list)

    def load(self) -> VllmEngine:
        self.engine.on_crash = self.crashes.append
        self.engine.load(self.reports.append)
        return self.engine

    def pids(self) -> list[int]:
        """Of the server, and of the process that it started."""
        return [int(pid) for pid in self.pids_file.read_text().split()]

    def alive(self) -> list[int]:
        return [pid for pid in self.pids() if lives(pid)]


def lives(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def until(holds: Callable[[], object], *, within_s: float = 10.0) -> None:
    deadline = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def make_model(folder: Path) -> Path:
    """A folder that looks like a model's."""
    folder.mkdir()
    (folder / "config.json").write_text('{"model_type": "llama"}')
    (folder / "model.safetensors").write_bytes(len(HEADER).to_bytes(8, "little") + HEADER + b"\0" * 8)
    return folder


def make_executable(program: Path) -> Path:
    """The fake server as a program."""
    program.write_text(f'#!/bin/sh\nexec {sys.executable} {FAKE} "$@"\n')
    program.chmod(0o755)
    return program
