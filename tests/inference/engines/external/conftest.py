"""Engines over a server that only behaves like vLLM's."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from external_rig import Rig, make_executable, make_model

from inference.engines.base import EngineConfig
from inference.engines.external import engine
from inference.engines.vllm.engine import VllmEngine


@pytest.fixture
def rig(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Rig]]:
    """A function that makes an engine; `fake` are the fake's variables without FAKE_, in lower case."""
    monkeypatch.setattr(engine, "_WATCH_EVERY_S", 0.02)
    monkeypatch.setattr(engine, "_READY_EVERY_S", 0.02)
    rigs: list[Rig] = []
    model, executable = make_model(tmp_path / "tiny"), make_executable(tmp_path / "vllm")

    def make(options: dict[str, Any] | None = None, **fake: object) -> Rig:
        pids = tmp_path / "pids"
        env = {f"FAKE_{name.upper()}": str(value) for name, value in fake.items()} | {"FAKE_PIDS": str(pids)}
        given = {"executable": str(executable), "env": env} | (options or {})
        environ = {"PATH": os.environ["PATH"], "CUDA_VISIBLE_DEVICES": ""}
        config = EngineConfig(model, "m", tmp_path / "cache", given, environ)
        rigs.append(Rig(VllmEngine(config), pids))
        return rigs[-1]

    yield make
    for made in rigs:
        made.engine.close()
