"""The agent on a real database, with real worker processes."""

from __future__ import annotations

import os
import signal
from uuid import uuid4

import pytest
from yard import until

from registry import desired
from registry.agent.agent import Agent
from registry.agent.identity import ProcessIdentity
from registry.agent.leftovers import end_processes
from registry.errors import Superseded
from registry.models import Node, Worker
from registry.reconciler import reconcile_once

pytestmark = [pytest.mark.database, pytest.mark.processes, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def agent() -> Agent:
    return Agent("a")


def launched(agent: Agent) -> Worker:
    """A worker of the echo engine, started by this agent."""
    desired.deploy(desired.Wish(name="echo", engine="echo"), actor="ada")
    reconcile_once()
    agent.cycle()
    return Worker.objects.get()


def identity_of(worker: Worker) -> ProcessIdentity:
    assert worker.pid is not None
    assert worker.process_started is not None
    return ProcessIdentity(worker.boot_id, worker.pid, worker.process_started)


def end(worker: Worker, parent: Agent) -> None:
    end_processes([identity_of(worker)], timeout_s=1)
    parent.attend(worker.launch_id)  # a look also reaps the child


def test_an_ordered_worker_is_started_once_however_often_the_agent_looks(agent: Agent) -> None:
    worker = launched(agent)
    try:
        agent.cycle()
        agent.attend(worker.launch_id)
        assert Worker.objects.get().pid == worker.pid
        assert identity_of(worker).alive()
    finally:
        end(worker, agent)


def test_the_next_agent_adopts_what_the_last_one_started(agent: Agent) -> None:
    worker = launched(agent)
    try:
        Worker.objects.update(pid=None, process_started=None)  # as if the agent had died before it wrote them
        Agent("a").cycle()
        assert Worker.objects.get().pid == worker.pid
    finally:
        end(worker, agent)


def test_a_killed_worker_is_written_down_with_its_signal(agent: Agent) -> None:
    worker = launched(agent)
    os.kill(identity_of(worker).pid, signal.SIGKILL)
    until(lambda: not identity_of(worker).alive())
    agent.cycle()
    ended = Worker.objects.get()
    assert (ended.exit_code, ended.exit_witnessed) == (-signal.SIGKILL, True)


def test_an_agent_whose_node_was_taken_over_stops(agent: Agent) -> None:
    Agent("a")
    with pytest.raises(Superseded, match="another agent"):
        agent.cycle()


def test_a_launch_that_was_deleted_meanwhile_is_nothing_to_do(agent: Agent) -> None:
    agent.attend(uuid4())
    assert not Worker.objects.exists()


def test_a_clean_leave_is_seen_at_once(agent: Agent) -> None:
    agent.leave()
    assert Node.objects.get().left_at is not None
