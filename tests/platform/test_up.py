"""`up`, `status`, `down` with everything real but the models."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import psutil
import pytest
from yard import Yard, clean_environment, until

from modelyard.embedded.run_state import NAMES, RunState, rows
from modelyard.installation import Installation

pytestmark = pytest.mark.processes


@pytest.fixture(scope="module")
def running() -> Iterator[Yard]:
    yard = Yard("--no-demo")
    yard.up()
    yield yard
    yard.remove()


def processes(yard: Yard) -> dict[str, dict[str, Any]]:
    """What `status` shows, without starting a process for each look."""
    state = RunState.read(Installation.at(yard.data_dir))
    return {row["name"]: row for row in rows(state, external_database=False)}


def states(yard: Yard) -> set[str]:
    return {process["state"] for process in processes(yard).values()}


def test_all_processes_run_and_belong_to_the_supervisor(running: Yard) -> None:
    shown = {process["name"]: process for process in running.json("status")["processes"]}
    assert {name: process["state"] for name, process in shown.items()} == dict.fromkeys(NAMES, "running")
    assert {psutil.Process(process["pid"]).ppid() for process in shown.values()} == {supervisor(running)}


def test_no_secret_is_in_a_command_line_or_in_a_log(running: Yard) -> None:
    secrets = {running.credentials["api_key"], running.credentials["admin_password"]}
    said = [argument for process in running.processes() for argument in process.cmdline()]
    said += [log.read_text() for log in (running.data_dir / "logs").glob("*.log")]
    assert said
    assert not [text for text in said for secret in secrets if secret in text]
    logs = (running.data_dir / "logs").glob("*.log")
    assert {stat.S_IMODE(log.stat().st_mode) for log in logs} == {0o600}


def test_a_second_up_says_that_it_runs(running: Yard) -> None:
    again = running.run("up", "--port", str(running.port))
    assert again.stdout.startswith(f"Modelyard already runs at {running.url} (pid ")
    elsewhere = running.run("up", "--port", "0", check=False)
    assert (elsewhere.returncode, elsewhere.stdout) == (1, "")
    assert elsewhere.stderr.startswith(f"Modelyard already runs at {running.url} (pid ")


def test_a_killed_database_comes_back(running: Yard) -> None:
    name = "postgres"  # the others are killed where a model runs beside them
    before = processes(running)[name]
    os.kill(before["pid"], signal.SIGKILL)

    def back() -> bool:
        now = processes(running)[name]
        return now["state"] == "running" and now["pid"] != before["pid"] and now["restarts"] > before["restarts"]

    until(back, what=f"{name} is back")
    assert f"{name} ended (signal KILL); next try in" in (running.data_dir / "logs" / "up.log").read_text()


def test_status_tells_of_the_processes_when_only_the_database_is_down(running: Yard) -> None:
    until(lambda: running.row("SELECT 1"), what="the database answers")
    pid = processes(running)["postgres"]["pid"]
    os.kill(pid, signal.SIGSTOP)
    try:
        report = running.json("status")
    finally:
        os.kill(pid, signal.SIGCONT)
    assert [process["name"] for process in report["processes"]] == list(NAMES)
    assert report["workers"] == []
    assert "timeout" in report["database"]


def test_everything_killed_at_once_starts_again_with_the_same_keys_and_ctrl_c_ends_it(running: Yard) -> None:
    before = running.credentials
    running.kill_everything()
    until(lambda: states(running) == {"stopped"}, what="status sees it")
    with foreground(running) as process:
        assert process.stdout is not None
        assert any(before["api_key"] in line for line in iter(process.stdout.readline, ""))
        assert states(running) == {"running"}
        begun = time.monotonic()
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=20) == 0
        assert time.monotonic() - begun < 15
        assert "Everything is stopped." in process.stdout.read()
    assert running.processes() == []
    assert running.credentials == before


def foreground(yard: Yard) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "modelyard", "up", "--no-demo", "--port", str(yard.port)]
    environment = clean_environment() | {"MODELYARD_DATA_DIR": str(yard.data_dir)}
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)


def supervisor(yard: Yard) -> int:
    state = RunState.read(Installation.at(yard.data_dir))
    assert state is not None
    return state.supervisor.pid
