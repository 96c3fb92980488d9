"""The life of an external server: it starts, dies or is ended, and nothing of it stays."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from external_rig import Rig, lives, until

from inference.engines.base import Capability
from inference.errors import LoadError
from inference.protocol.causes import Cause

pytestmark = pytest.mark.processes
Make = Callable[..., Rig]


def test_it_is_ready_when_the_server_is_and_says_what_that_serves(rig: Make, capfd: pytest.CaptureFixture[str]) -> None:
    made = rig()
    engine = made.load()
    assert engine.capabilities == {Capability.CHAT, Capability.COMPLETIONS}
    assert engine.context_length == 4096
    assert [report.detail for report in made.reports][-2:] == ["loading weights", "loaded"]
    assert [report.percent for report in made.reports] == sorted(report.percent for report in made.reports)
    assert "vllm | (Worker pid=7) INFO" in capfd.readouterr().err
    until(lambda: engine.stats().cache_tokens == 4096)
    until(lambda: engine.held_outside().peak_bytes > 10_000_000)


def test_no_secret_is_in_its_arguments(rig: Make) -> None:
    made = rig()
    made.load()
    server = psutil.Process(made.pids()[0])
    key = server.environ()["VLLM_API_KEY"]
    assert len(key) > 30
    assert key not in " ".join(server.cmdline())
    assert server.environ()["VLLM_NO_USAGE_STATS"] == "1"


def test_closing_ends_all_that_it_started_also_what_left_its_group(rig: Make) -> None:
    made = rig(detached=1)
    made.load()
    pids = made.pids()
    assert made.alive() == pids
    made.engine.close()
    assert made.alive() == []
    assert made.crashes == []


def test_who_ignores_sigterm_is_killed(rig: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("inference.engines.external.child._GRACE_S", 0.2)
    made = rig(stubborn=1)
    made.load()
    made.engine.close()
    assert made.alive() == []


def test_a_server_that_is_killed_is_a_crash_with_a_reason_and_takes_its_helpers_along(rig: Make) -> None:
    made = rig(detached=1)
    made.load()
    server, helper = made.pids()
    os.kill(server, signal.SIGKILL)
    until(lambda: made.crashes)
    assert not lives(helper)
    [failure] = made.crashes
    assert failure.reason == "vLLM was killed by signal 9 (SIGKILL)."
    assert failure.cause is Cause.KILLED


def test_shared_memory_of_a_server_that_is_killed_is_freed(rig: Make, tmp_path: Path) -> None:
    made = rig(shared=tmp_path / "name")
    made.load()
    shared = Path("/dev/shm", (tmp_path / "name").read_text())
    assert shared.exists()
    os.kill(made.pids()[0], signal.SIGKILL)
    until(lambda: made.crashes)
    assert not shared.exists()


def test_the_end_of_its_keeper_is_the_end_of_all(rig: Make) -> None:
    made = rig()
    made.load()
    keeper = psutil.Process(made.pids()[0]).parent()
    assert keeper is not None
    keeper.kill()
    until(lambda: made.crashes)
    assert made.alive() == []


def test_a_start_that_fails_says_why(rig: Make) -> None:
    made = rig(fail="ValueError: No available memory for the cache blocks.")
    with pytest.raises(
        LoadError, match=r"vLLM ended with exit code 1: No available memory for the cache blocks\."
    ) as no:
        made.load()
    assert no.value.failure.cause is Cause.HOST_MEMORY
    assert made.alive() == []


def test_another_port_is_taken_when_a_program_was_faster(rig: Make, tmp_path: Path) -> None:
    made = rig(taken=tmp_path / "was-taken")
    assert made.load().context_length == 4096


def test_a_path_without_a_model_starts_nothing(rig: Make) -> None:
    made = rig()
    (made.engine.config.model / "model.safetensors").unlink()
    with pytest.raises(LoadError, match="no weights"):
        made.load()
    assert not made.pids_file.exists()
