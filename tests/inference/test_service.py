"""What a worker says that its answers depend on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from inference.config import WorkerConfig
from inference.engines.echo.engine import EchoEngine
from inference.service import Service

Config = Callable[..., WorkerConfig]


def fingerprint(config: WorkerConfig, *backend: str) -> str:
    service = Service(config)
    service.loaded = EchoEngine(config.for_engine())
    service.loaded.backend = backend
    return service.fingerprint


def test_the_fingerprint_changes_with_whatever_changes_the_answers(config: Config) -> None:
    options: dict[str, Any] = {"options": {"context_length": 8}}
    known = ("torch 2", "torch.bfloat16", "NativeForward", "abc")
    prints = [
        fingerprint(config()),
        fingerprint(config(**options)),
        fingerprint(config(), *known),
        fingerprint(config(), *known[:-1], "def"),
        fingerprint(config(), "torch 2", "torch.bfloat16", "LibraryForward", "abc"),
    ]
    assert len(set(prints)) == len(prints)


def test_weights_that_are_known_by_themselves_may_lie_anywhere(config: Config) -> None:
    here, there = config(model=Path("/a")), config(model=Path("/b"))
    assert fingerprint(here, "abc") == fingerprint(there, "abc")
    assert fingerprint(here) != fingerprint(there)
