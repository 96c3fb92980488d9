"""What `make bench` can measure."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

from bench.__main__ import GROUPS, PARTS

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", PARTS)
def test_every_part_is_there(name: str) -> None:
    assert callable(importlib.import_module(f"bench.{name}").main)


def test_groups_are_made_of_parts() -> None:
    assert {part for parts in GROUPS.values() for part in parts} <= set(PARTS)


def test_an_unknown_part_is_refused_and_help_names_them_all() -> None:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "bench", *arguments]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)

    assert run("nothing").returncode == 2
    shown = run("--help").stdout
    assert all(name in shown for name in (*PARTS, *GROUPS))
