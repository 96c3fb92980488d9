"""Processes are known by boot id, pid and start time."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from uuid import uuid4

import pytest
from yard import until

from registry.agent import files
from registry.agent.identity import ProcessIdentity, launched
from registry.agent.leftovers import end_processes, stop_leftovers

pytestmark = pytest.mark.processes

SLEEP = "import time; time.sleep(60)"
COMMAND = [sys.executable, "-c", SLEEP, "inference", "--launch-id"]
STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"


@pytest.fixture
def child() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        [sys.executable, "-c", SLEEP, "inference", "--launch-id", str(uuid4())], start_new_session=True
    )
    yield process
    process.kill()
    process.wait()


def identity_of(process: subprocess.Popen[bytes]) -> ProcessIdentity:
    identity = ProcessIdentity.of(process.pid)
    assert identity is not None
    return identity


def test_a_running_process_is_alive_and_its_zombie_is_not(child: subprocess.Popen[bytes]) -> None:
    identity = identity_of(child)
    assert identity.alive()
    child.kill()
    deadline = time.monotonic() + 5
    while identity.alive() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not identity.alive()


@pytest.mark.parametrize("change", [{"started": 1}, {"boot_id": "another life"}])
def test_another_process_with_the_same_pid_is_never_signalled(
    child: subprocess.Popen[bytes], change: dict[str, object]
) -> None:
    stranger = replace(identity_of(child), **change)  # type: ignore[arg-type]
    assert not stranger.send(signal.SIGKILL)
    stranger.kill_session()
    assert child.poll() is None


def test_a_launch_is_found_by_its_id_in_the_arguments(child: subprocess.Popen[bytes]) -> None:
    launch_id = str(child.args[-1])  # type: ignore[index]
    # The kernel lets the parent go on a moment before a new program's arguments can be read.
    assert until(lambda: launched(launch_id)) == identity_of(child)
    assert launched(str(uuid4())) is None


def test_a_process_that_ignores_the_request_is_killed(tmp_path_factory: pytest.TempPathFactory) -> None:
    process = subprocess.Popen([sys.executable, "-c", STUBBORN], start_new_session=True, stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"up\n"
    assert end_processes([identity_of(process)], timeout_s=0.3) == 1
    assert process.wait(timeout=5) == -signal.SIGKILL
    process.stdout.close()


def test_what_an_ended_platform_left_behind_is_stopped_without_a_database(
    child: subprocess.Popen[bytes], tmp_path_factory: pytest.TempPathFactory
) -> None:
    data_dir = tmp_path_factory.mktemp("data")
    files.write(data_dir / "run", "launch", identity_of(child))
    assert stop_leftovers(data_dir) == 1
    assert child.wait(timeout=5) == -signal.SIGTERM
    assert list(files.known(data_dir / "run")) == []
