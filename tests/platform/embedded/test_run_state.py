"""What `status` says, whatever the file remembers."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from modelyard.embedded.children import ChildStatus
from modelyard.embedded.run_state import NAMES, READY, RunState, rows, sole_supervisor, uptime_s
from modelyard.errors import AlreadyRunning
from modelyard.installation import Installation
from registry.agent.identity import ProcessIdentity

GONE = ProcessIdentity(boot_id="an earlier life", pid=os.getpid(), started=1)


def me() -> ProcessIdentity:
    identity = ProcessIdentity.of(os.getpid())
    assert identity is not None
    return identity


def state(supervisor: ProcessIdentity, *processes: ChildStatus) -> RunState:
    return RunState(supervisor, "http://127.0.0.1:8000", READY, processes, models=("chat",), failures=("chat: broken",))


def row(of: RunState | None, name: str, *, external_database: bool = False) -> dict[str, Any]:
    return next(entry for entry in rows(of, external_database=external_database) if entry["name"] == name)


def test_it_comes_back_from_its_file_as_it_was(tmp_path: Path) -> None:
    installation = Installation.at(tmp_path / "data").create()
    before = state(me(), ChildStatus("web", "running", 2, me()), ChildStatus("agent", "restarting", 1, None))
    before.write(installation)
    assert RunState.read(installation) == before


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"supervisor": 1, "processes": []}'])
def test_a_file_that_tells_nothing_is_nothing(tmp_path: Path, content: str) -> None:
    installation = Installation.at(tmp_path / "data").create()
    assert RunState.read(installation) is None
    (installation.run_dir / "supervisor.json").write_text(content)
    assert RunState.read(installation) is None


def test_before_anything_ran_all_is_stopped() -> None:
    assert [(entry["name"], entry["state"], entry["pid"]) for entry in rows(None, external_database=False)] == [
        (name, "stopped", None) for name in NAMES
    ]


def test_a_pid_that_somebody_else_has_now_does_not_run_for_us() -> None:
    assert row(state(GONE, ChildStatus("web", "running", 0, GONE)), "web")["state"] == "stopped"
    assert row(state(me(), ChildStatus("web", "running", 0, GONE)), "web")["state"] == "restarting"


def test_a_process_that_outlived_its_supervisor_is_said_to_run() -> None:
    shown = row(state(GONE, ChildStatus("web", "running", 3, me())), "web")
    assert (shown["state"], shown["pid"], shown["restarts"]) == ("running", os.getpid(), 3)
    assert shown["uptime_s"] == pytest.approx(uptime_s(me()), abs=1)


def test_a_database_of_ones_own_is_external() -> None:
    assert row(None, "postgres", external_database=True)["state"] == "external"


def test_only_one_supervises_and_the_lock_is_free_afterwards(tmp_path: Path) -> None:
    installation = Installation.at(tmp_path / "data").create()
    with sole_supervisor(installation):
        state(me()).write(installation)
        with (
            pytest.raises(AlreadyRunning, match=rf"already runs at .*:8000 \(pid {os.getpid()}\)"),
            sole_supervisor(installation),
        ):
            pytest.fail("two supervisors")
    with sole_supervisor(installation):
        assert RunState.read(installation) == state(me())
