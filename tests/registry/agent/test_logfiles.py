"""Logs of ended launches do not pile up."""

from __future__ import annotations

import os
from pathlib import Path

from registry.agent.logfiles import prune


def test_the_oldest_logs_go_and_those_of_running_launches_stay(tmp_path: Path) -> None:
    for age, name in enumerate(["newest", "newer", "older", "oldest"]):
        log = tmp_path / f"{name}.log"
        log.write_text(name)
        os.utime(log, (1000 - age, 1000 - age))
    prune(tmp_path, running={"oldest"}, keep=2)
    assert {log.stem for log in tmp_path.iterdir()} == {"newest", "newer", "oldest"}
