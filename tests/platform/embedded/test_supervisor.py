"""The supervisor with real, small processes."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from modelyard.embedded.children import ChildSpec
from modelyard.embedded.listener import Listener
from modelyard.embedded.restarts import RestartPolicy
from modelyard.embedded.supervisor import Supervisor, how_it_ended
from modelyard.ports import kernel_port

pytestmark = pytest.mark.processes

SLEEP = "import time; print('up', flush=True); time.sleep(60)"
STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"
START_ANOTHER = (
    "import subprocess, sys, time; "
    "other = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']); print(other.pid, flush=True)"
)
SAYS_THAT_IT_SERVES = "import os, sys; [os.write(int(a[7:]), b'.') for a in sys.argv if a[:7] == '--told=']; "
QUICK = RestartPolicy(first_s=0.05, ceiling_s=0.2)


def spec(name: str, code: str, *, grace_s: float = 5.0) -> ChildSpec:
    stop = ((signal.SIGTERM, grace_s),)
    return ChildSpec(name=name, argv=(sys.executable, "-c", code), environment=dict(os.environ), stop=stop)


def alive(process: psutil.Process) -> bool:
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE


def until(condition: Callable[[], object], supervisor: Supervisor, *, timeout_s: float = 10.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        supervisor.tick()
        time.sleep(0.01)


@pytest.fixture
def lines() -> list[str]:
    return []


@pytest.fixture
def supervisor(tmp_path: Path, lines: list[str]) -> Iterator[Supervisor]:
    supervisor = Supervisor(tmp_path, say=lines.append, policy=QUICK)
    yield supervisor
    supervisor.stop_all(at_once=True)


def started(supervisor: Supervisor, name: str, code: str, *, grace_s: float = 5.0) -> int:
    """Its pid, once it has printed its first line."""
    supervisor.start(spec(name, code, grace_s=grace_s))
    until(lambda: supervisor.log_file(name).exists(), supervisor)
    identity = supervisor.status(name).identity
    assert identity is not None
    return identity.pid


def test_a_killed_process_is_started_again_and_a_line_says_so(supervisor: Supervisor, lines: list[str]) -> None:
    pid = started(supervisor, "web", SLEEP)
    os.kill(pid, signal.SIGKILL)
    until(lambda: supervisor.status("web").restarts == 1, supervisor)
    status = supervisor.status("web")
    assert status.state == "running"
    assert status.identity is not None
    assert status.identity.pid != pid
    assert lines == ["web ended (signal KILL); next try in 0.05 s."]


def test_a_process_that_ends_at_once_waits_longer_each_time(supervisor: Supervisor, lines: list[str]) -> None:
    supervisor.start(spec("agent", "raise SystemExit(3)"))
    until(lambda: len(lines) == 4, supervisor)
    assert [line.rpartition("in ")[2] for line in lines] == ["0.05 s.", "0.1 s.", "0.2 s.", "0.2 s."]
    assert lines[0].startswith("agent ended (exit code 3)")


def test_what_is_held_down_stays_down_until_it_is_let_go(tmp_path: Path, lines: list[str]) -> None:
    held: set[str] = set()
    supervisor = Supervisor(tmp_path, say=lines.append, policy=QUICK, held=lambda: held)
    try:
        pid = started(supervisor, "web", SLEEP)
        held.add("web")
        os.kill(pid, signal.SIGTERM)
        until(lambda: supervisor.status("web").state == "stopped", supervisor)
        assert lines == ["web ended (signal TERM) and stays down, as an operator told it."]
        assert supervisor.next_due_s(60) == 60
        held.clear()
        until(lambda: supervisor.status("web").state == "running", supervisor)
    finally:
        supervisor.stop_all(at_once=True)


def test_what_waits_for_its_restart_is_not_started_once_it_is_held(tmp_path: Path, lines: list[str]) -> None:
    held: set[str] = set()
    slow = RestartPolicy(first_s=60)
    supervisor = Supervisor(tmp_path, say=lines.append, policy=slow, held=lambda: held)
    supervisor.start(spec("web", "raise SystemExit(3)"))
    until(lambda: supervisor.status("web").state == "restarting", supervisor)
    held.add("web")
    until(lambda: supervisor.status("web").state == "stopped", supervisor)
    assert supervisor.next_due_s(120) == 120


def test_a_program_that_does_not_exist_is_named_in_its_log(supervisor: Supervisor, lines: list[str]) -> None:
    supervisor.start(ChildSpec(name="web", argv=("/nowhere/program",), environment={}))
    until(lambda: lines, supervisor)
    supervisor.wait_for_log("web")
    assert "Cannot start /nowhere/program" in supervisor.log_file("web").read_text()


def test_stop_ends_a_stubborn_process_after_its_grace_and_restarts_nothing(supervisor: Supervisor) -> None:
    stubborn, obedient = started(supervisor, "web", STUBBORN, grace_s=0.3), started(supervisor, "agent", SLEEP)
    begun = time.monotonic()
    supervisor.stop("web", "agent")
    supervisor.tick()
    assert 0.3 <= time.monotonic() - begun < 3
    assert not psutil.pid_exists(stubborn)
    assert not psutil.pid_exists(obedient)
    assert {status.state for status in supervisor.statuses()} == {"stopped"}


def test_what_a_dead_process_left_in_its_group_ends_with_it(supervisor: Supervisor) -> None:
    pid = started(supervisor, "control", f"{START_ANOTHER}; time.sleep(60)")
    grandchild = psutil.Process(int(supervisor.log_file("control").read_text()))
    os.kill(pid, signal.SIGKILL)
    until(lambda: not alive(grandchild), supervisor)


def test_the_end_of_a_process_reads_as_words() -> None:
    assert how_it_ended(2) == "exit code 2"
    assert how_it_ended(-9) == "signal KILL"
    assert how_it_ended(-200) == "signal 200"


SUPERVISING = """
import os, sys, time
from pathlib import Path
from modelyard.embedded.children import ChildSpec
from modelyard.embedded.supervisor import Supervisor
supervisor = Supervisor(Path(sys.argv[1]))
supervisor.adopt_orphans()
supervisor.start(ChildSpec(name="web", argv=(sys.executable, "-c", sys.argv[2]), environment=dict(os.environ)))
print(supervisor.status("web").identity.pid, flush=True)
while True:
    supervisor.tick()
    time.sleep(0.02)
"""


@pytest.fixture
def supervising(tmp_path: Path) -> Iterator[Callable[[str], tuple[psutil.Process, psutil.Process]]]:
    """Starts a supervisor in a process of its own; gives that process and its child."""
    processes: list[subprocess.Popen[str]] = []

    def start(code: str) -> tuple[psutil.Process, psutil.Process]:
        command = [sys.executable, "-c", SUPERVISING, str(tmp_path), code]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        processes.append(process)
        assert process.stdout is not None
        return psutil.Process(process.pid), psutil.Process(int(process.stdout.readline()))

    yield start
    for process in processes:
        process.kill()
        process.communicate()


def poll(condition: Callable[[], object], *, timeout_s: float = 10.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def test_children_end_when_their_supervisor_is_killed(
    supervising: Callable[[str], tuple[psutil.Process, psutil.Process]],
) -> None:
    supervisor, child = supervising(SLEEP)
    supervisor.kill()
    poll(lambda: not alive(child))
    assert not alive(supervisor)


def test_orphans_come_to_the_supervisor_and_leave_no_zombies(
    supervising: Callable[[str], tuple[psutil.Process, psutil.Process]], tmp_path: Path
) -> None:
    orphan = "import os, time; time.sleep(0.3)"
    code = (
        "import subprocess, sys, time\n"
        f"p = subprocess.Popen([sys.executable, '-c', {orphan!r}], start_new_session=True)\n"
        "print(p.pid, flush=True)\n"
        "time.sleep(0.1)\n"
        "import os; os._exit(0)"
    )
    supervisor, _ = supervising(code)
    poll((tmp_path / "web.log").exists)
    first = int((tmp_path / "web.log").read_text().split()[0])
    poll(lambda: not psutil.pid_exists(first))
    assert supervisor.is_running()
    assert [child.pid for child in supervisor.children() if child.status() == psutil.STATUS_ZOMBIE] == []


SLOW_TO_END = (
    "import signal, sys, time; "
    "signal.signal(signal.SIGTERM, lambda *_: (time.sleep(0.5), print('ended well', flush=True), sys.exit())); "
    "print('up', flush=True); time.sleep(60)"
)


def test_a_process_is_told_to_end_when_its_successor_serves(supervisor: Supervisor) -> None:
    old = psutil.Process(started(supervisor, "web", SAYS_THAT_IT_SERVES + SLOW_TO_END))
    until(lambda: "up" in supervisor.log_file("web").read_text(), supervisor)
    supervisor.renew("web")
    assert supervisor.next_due_s(5.0) < 1  # somebody looks for its word
    until(lambda: pid_of(supervisor, "web") != old.pid, supervisor)
    until(lambda: not old.is_running() and "ended well" in supervisor.log_file("web").read_text(), supervisor)
    assert supervisor.status("web").restarts == 0


def test_a_successor_that_does_not_come_up_leaves_the_old_one_alone(supervisor: Supervisor, lines: list[str]) -> None:
    old = started(supervisor, "web", "import sys; len(sys.argv) > 1 and sys.exit(1); " + SLEEP)
    supervisor.renew("web")
    until(lambda: lines, supervisor)
    assert lines[0].startswith("The new web did not come up: see ")
    assert pid_of(supervisor, "web") == old


def test_an_address_stays_open_while_a_process_is_started_anew_and_closes_when_it_is_held(
    tmp_path: Path, lines: list[str]
) -> None:
    held: set[str] = set()
    supervisor = Supervisor(tmp_path, say=lines.append, policy=RestartPolicy(first_s=60), held=lambda: held)
    port = kernel_port()
    supervisor.start(replace(spec("web", SLEEP), listener=Listener("127.0.0.1", port)))
    os.kill(pid_of(supervisor, "web"), signal.SIGKILL)
    until(lambda: lines, supervisor)
    with socket.create_connection(("127.0.0.1", port)):  # it waits for the next one
        held.add("web")
        supervisor.tick()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))
    held.clear()
    supervisor.tick()
    until(lambda: supervisor.status("web").state == "running", supervisor)
    socket.create_connection(("127.0.0.1", port)).close()
    supervisor.stop_all(at_once=True)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))


def pid_of(supervisor: Supervisor, name: str) -> int:
    identity = supervisor.status(name).identity
    assert identity is not None
    return identity.pid
