"""Seeing, signalling and killing real processes, and never a stranger's."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from yard import alive, until

from registry.agent import processes
from registry.agent.census import Census
from registry.agent.duty import Life
from registry.agent.identity import LAUNCH_VARIABLE, ProcessIdentity, boot_id
from registry.agent.watching import Presence, Watch
from registry.models import Worker
from registry.states import Order, WorkerState

pytestmark = pytest.mark.processes

# A worker with two children: one in its session, one in a session of its own. Prints their pids.
FAMILY = """
import subprocess, sys, time
sleep = [sys.executable, "-c", "import time; time.sleep(60)"]
print(subprocess.Popen(sleep).pid, subprocess.Popen(sleep, start_new_session=True).pid, flush=True)
time.sleep(60)
"""
HEARS = """
import os, signal, time
# Not by print: it may be printing already.
signal.signal(signal.SIGUSR1, lambda number, frame: os.write(1, b"heard\\n"))
print("up", flush=True)
while True: time.sleep(1)
"""
SLEEPS = "import time; print('up', flush=True); time.sleep(60)"


def look(watch: Watch, worker: Worker) -> Presence:
    return watch.look([worker])[worker.pk]


Start = Callable[[str], tuple[Worker, list[str]]]


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def start(watch: Watch) -> Iterator[Start]:
    """A launch with a real process that runs this code; gives its row and what it printed first."""
    started: dict[str, subprocess.Popen[str]] = {}

    def run(code: str) -> tuple[Worker, list[str]]:
        launch_id = uuid4()
        environment = os.environ | {LAUNCH_VARIABLE: str(launch_id)}
        command = [sys.executable, "-c", code]
        process = subprocess.Popen(command, env=environment, start_new_session=True, stdout=subprocess.PIPE, text=True)
        started[str(launch_id)] = process
        assert process.stdout is not None
        said = process.stdout.readline().split()
        identity = ProcessIdentity.of(process.pid)
        assert identity is not None
        facts = {"pk": process.pid, "pid": identity.pid, "process_started": identity.started, "boot_id": boot_id()}
        worker = Worker(launch_id=launch_id, state=WorkerState.READY, launching_at=datetime.now(UTC), **facts)
        watch.add_child(launch_id, process)  # type: ignore[arg-type]  # text or bytes is the same to it
        return worker, said

    yield run
    for launch_id, process in started.items():
        for left in Census.take().of_launch(launch_id):
            left.send(signal.SIGKILL)
        process.communicate()


def test_what_a_dead_worker_leaves_behind_is_seen_and_killed_in_every_session(watch: Watch, start: Start) -> None:
    worker, children = start(FAMILY)
    assert look(watch, worker).life is Life.RUNNING
    os.kill(worker.pid or 0, signal.SIGKILL)
    until(lambda: look(watch, worker).life is Life.REMNANTS)
    watch.kill(worker, look(watch, worker), why="test")
    until(lambda: not any(alive(int(child)) for child in children))
    assert look(watch, worker).life is Life.GONE
    assert watch.killed(worker.launch_id) == ""  # it had ended by itself


def test_a_kill_reaches_the_whole_family_and_is_remembered(watch: Watch, start: Start) -> None:
    worker, children = start(FAMILY)
    watch.kill(worker, look(watch, worker), why="too late")
    until(lambda: not any(alive(int(child)) for child in children))
    until(lambda: look(watch, worker).life is Life.GONE)
    assert (watch.killed(worker.launch_id), watch.exit_code(worker.launch_id)) == ("too late", -signal.SIGKILL)


def test_a_session_number_that_went_to_another_process_proves_nothing(watch: Watch, start: Start) -> None:
    stranger, children = start(FAMILY)
    assert stranger.process_started is not None
    ours = Worker(pk=1, launch_id=uuid4(), launching_at=datetime.now(UTC), boot_id=boot_id(), pid=stranger.pid)
    ours.process_started = stranger.process_started - 1  # the pid was ours a moment earlier
    presence = look(watch, ours)
    assert presence.life is Life.GONE
    watch.kill(ours, presence, why="test")
    assert look(watch, stranger).life is Life.RUNNING
    assert all(alive(int(child)) for child in children)


def test_the_launch_of_another_boot_is_gone_whoever_has_its_pid(watch: Watch, start: Start) -> None:
    worker, _ = start(SLEEPS)
    worker.boot_id = "another life"
    assert look(watch, worker) == Presence(Life.GONE)


def test_a_changed_order_makes_a_worker_beat_that_can_hear(watch: Watch, start: Start) -> None:
    worker, _ = start(HEARS)
    worker.order = Order.DRAIN
    watch.pass_on(worker)
    child = watch._children[worker.launch_id]
    assert child.stdout is not None
    assert child.stdout.readline().strip() == "heard"  # type: ignore[comparison-overlap]  # it is text


def test_a_worker_that_cannot_hear_yet_is_left_alone(watch: Watch, start: Start) -> None:
    worker, _ = start(SLEEPS)
    worker.order = Order.DRAIN
    watch.pass_on(worker)
    assert not processes.catches(worker.pid or 0, signal.SIGUSR1)
    assert look(watch, worker).life is Life.RUNNING


def test_the_end_of_a_worker_ends_a_wait_at_once_and_only_once(watch: Watch, start: Start) -> None:
    worker, _ = start(SLEEPS)
    look(watch, worker)
    os.kill(worker.pid or 0, signal.SIGKILL)
    begun = time.monotonic()
    watch.wait(20)
    assert time.monotonic() - begun < 10
    begun = time.monotonic()
    watch.wait(0.1)
    assert time.monotonic() - begun >= 0.1


def test_a_wait_can_be_ended_from_outside(watch: Watch) -> None:
    watch.wake()
    begun = time.monotonic()
    watch.wait(20)
    assert time.monotonic() - begun < 10


def test_a_stopped_process_is_told_from_a_running_one(start: Start) -> None:
    worker, _ = start(SLEEPS)
    identity = ProcessIdentity.of(worker.pid or 0)
    assert identity is not None
    assert not identity.stopped()
    assert identity.send(signal.SIGSTOP)
    until(identity.stopped)
