"""Worker processes that no launch of the present accounts for."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from uuid import uuid4

import pytest
from django.db.models.functions import Now

from registry.agent.identity import boot_id
from registry.agent.orphans import Account, Fate, Orphans, fate
from registry.models import Event
from registry.states import WorkerState
from tests.registry.factories import deployment, node, worker

HERE, ELSEWHERE = 1, 2


@pytest.mark.parametrize(
    ("account", "expected"),
    [
        (None, Fate.STRANGER),
        (Account(HERE, over=False, exited=False, here=True), Fate.LEAVE),
        (Account(HERE, over=True, exited=False, here=True), Fate.LEAVE),
        (Account(HERE, over=True, exited=True, here=True), Fate.END),
        (Account(ELSEWHERE, over=True, exited=True, here=True), Fate.LEAVE),
        (Account(None, over=True, exited=False, here=True), Fate.END),
        (Account(None, over=True, exited=False, here=False), Fate.LEAVE),
        (Account(None, over=False, exited=False, here=True), Fate.LEAVE),
    ],
)
def test_only_what_is_ours_and_over_is_ended(account: Account | None, expected: Fate) -> None:
    assert fate(account, HERE) is expected


@pytest.fixture
def process() -> Iterator[Callable[[str], subprocess.Popen[bytes]]]:
    started: list[subprocess.Popen[bytes]] = []

    def start(launch_id: str) -> subprocess.Popen[bytes]:
        code = "import time; print('up', flush=True); time.sleep(60)"
        command = [sys.executable, "-c", code, "inference", "--launch-id", launch_id]
        started.append(subprocess.Popen(command, start_new_session=True, stdout=subprocess.PIPE))
        assert started[-1].stdout is not None
        started[-1].stdout.readline()
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.mark.database
@pytest.mark.processes
@pytest.mark.django_db
def test_a_process_whose_launch_is_over_is_ended_and_a_strangers_lives(
    process: Callable[[str], subprocess.Popen[bytes]],
) -> None:
    here = node()
    ended = worker(deployment(), node=here, state=WorkerState.FAILED, boot_id=boot_id(), exited_at=Now())
    orphan, stranger = process(str(ended.launch_id)), process(str(uuid4()))
    Orphans(here).turn()
    assert orphan.wait(timeout=10) == -signal.SIGTERM
    assert stranger.poll() is None
    assert str(ended.launch_id) in Event.objects.get(actor="agent").reason
