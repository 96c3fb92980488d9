"""Commands as a shell runs them, without the process."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module

import pytest


@dataclass(frozen=True, slots=True)
class Done:
    """What a command printed, and its exit code."""

    out: str
    err: str
    code: int


Run = Callable[..., Done]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Parses and runs a command line of ours, with the sentences and exit codes of the real thing."""
    command_module = import_module("registry.management.command")
    monkeypatch.setattr(command_module.connections, "close_all", lambda: None)  # the test's transaction lives in one

    def made(name: str, *arguments: str) -> Done:
        command = import_module(f"registry.management.commands.{name}").Command()
        code = 0
        try:
            command.run_from_argv(["modelyard", name, *arguments])
        except SystemExit as end:
            code = int(end.code or 0)
        printed = capsys.readouterr()
        return Done(printed.out, printed.err, code)

    return made
