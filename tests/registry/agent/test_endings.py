"""Ends: written once by the node's owner, with the evidence, and after the cards gave their memory back."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.db.models.functions import Now
from yard import until

from inference.protocol.causes import Cause
from registry.agent import devices, quarantine
from registry.agent.agent import Agent
from registry.agent.devices import CardProcess, ObservedDevice
from registry.agent.identity import ProcessIdentity
from registry.errors import Superseded
from registry.models import Device, Event, Node, Worker
from registry.states import Order, WorkerState
from tests.registry import factories

pytestmark = [pytest.mark.database, pytest.mark.processes, pytest.mark.django_db(transaction=True)]

GIB = 2**30
NOBODY = 2**22 + 1  # above the largest pid that there can be


class Card:
    """One GPU of this machine, as the driver would tell of it at the module's seam."""

    def __init__(self) -> None:
        self.processes: tuple[CardProcess, ...] = ()

    def gpus(self) -> list[ObservedDevice]:
        return [ObservedDevice(0, "cuda", "GPU-0", "H100", memory_total_bytes=80 * GIB, processes=self.processes)]


@pytest.fixture
def card(monkeypatch: pytest.MonkeyPatch) -> Card:
    fake = Card()
    monkeypatch.setattr(devices, "gpus", fake.gpus)
    return fake


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(["sleep", "60"], start_new_session=True)
    yield process
    process.kill()
    process.wait()


def running(process: subprocess.Popen[bytes], **fields: object) -> Worker:
    """A launch on the node's first device whose process is this one."""
    identity = ProcessIdentity.of(process.pid)
    assert identity is not None
    facts = {"pid": identity.pid, "process_started": identity.started, "boot_id": identity.boot_id}
    return factories.worker(factories.deployment(), Device.objects.get(), launching_at=Now(), **facts | fields)


def ended(agent: Agent) -> Worker | None:
    agent.cycle()
    return Worker.objects.filter(exited_at__isnull=False).first()


def sees(agent: Agent, pid: int) -> bool:
    sighting = agent._inventory.sighting
    return sighting is not None and any(process.pid == pid for process in sighting.devices[0].processes)


def end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()


def test_an_end_waits_until_the_card_lists_nothing_dead(card: Card, sleeper: subprocess.Popen[bytes]) -> None:
    agent = Agent("a")
    running(sleeper)
    agent.cycle()
    card.processes = (CardProcess(NOBODY, 9 * GIB),)
    end(sleeper)
    for _ in range(5):
        assert ended(agent) is None
    card.processes = ()
    until(lambda: ended(agent))
    assert Device.objects.get().quarantine == ""


def test_memory_that_does_not_come_back_puts_the_card_aside_until_it_does(
    card: Card, sleeper: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quarantine, "PATIENCE_S", 0.3)
    agent = Agent("a")
    running(sleeper)
    agent.cycle()
    card.processes = (CardProcess(NOBODY, 9 * GIB),)
    until(lambda: (agent._inventory.want(), agent.cycle(), sees(agent, NOBODY))[-1])  # patience may end before a look
    end(sleeper)
    until(lambda: ended(agent))
    assert f"pid {NOBODY} (gone, 9 GiB)" in Device.objects.get().quarantine
    card.processes = ()
    until(lambda: (agent._inventory.want(), agent.cycle(), not Device.objects.get().quarantine)[-1])
    reasons = Event.objects.filter(subject="device a:0").order_by("id").values_list("reason", flat=True)
    assert [reason.split(":")[0] for reason in reasons] == [
        "quarantined",
        "its memory came back; the quarantine is over",
    ]


def test_what_others_hold_of_a_card_is_written_down(card: Card, sleeper: subprocess.Popen[bytes]) -> None:
    agent = Agent("a")
    card.processes = (CardProcess(sleeper.pid, 5 * GIB),)
    agent._inventory.want()
    until(lambda: (agent.cycle(), Device.objects.get().foreign_bytes)[-1])
    assert Device.objects.get().foreign_processes == [{"pid": sleeper.pid, "name": "sleep", "bytes": 5 * GIB}]


def test_a_worker_that_does_not_stop_in_time_is_killed_and_its_row_says_so(sleeper: subprocess.Popen[bytes]) -> None:
    agent = Agent("a")
    running(sleeper, order=Order.STOP)
    Worker.objects.update(ordered_at="2026-01-01T00:00Z")
    agent.cycle()
    assert sleeper.wait(timeout=10) == -signal.SIGKILL
    row = until(lambda: ended(agent))
    assert row.exit_note == "killed by the agent after it did not stop in time"


def test_a_stopped_worker_is_unresponsive_until_it_goes_on(sleeper: subprocess.Popen[bytes]) -> None:
    agent = Agent("a")
    running(sleeper)
    os.kill(sleeper.pid, signal.SIGSTOP)
    until(lambda: (agent.cycle(), Worker.objects.get().unresponsive_since)[-1])
    os.kill(sleeper.pid, signal.SIGCONT)
    Worker.objects.update(heartbeat_at=Now())
    until(lambda: (agent.cycle(), Worker.objects.get().unresponsive_since is None)[-1])


def test_an_end_is_not_written_by_an_agent_that_lost_its_node(sleeper: subprocess.Popen[bytes]) -> None:
    agent = Agent("a")
    running(sleeper)
    agent.cycle()
    Node.objects.update(agent_session=None)
    end(sleeper)
    with pytest.raises(Superseded):
        agent.cycle()
    agent._endings.settle(Worker.objects.get())  # as when it was stopped in the middle of a cycle
    assert Worker.objects.get().exited_at is None


@pytest.fixture
def ordered() -> Callable[..., Worker]:
    """A launch of the echo engine that the control plane has ordered here."""

    def order(**fields: object) -> Worker:
        facts = {"state": WorkerState.STARTING, "heartbeat_at": None, **fields}
        return factories.worker(factories.deployment("echo"), Device.objects.get(), **facts)

    return order


def test_an_agent_that_lost_its_node_starts_nothing(ordered: Callable[..., Worker]) -> None:
    agent = Agent("a")
    worker = ordered()
    Node.objects.update(agent_session=None)
    agent._launcher.launch(worker)
    assert Worker.objects.get().launching_at is None


def test_another_secret_key_is_said_before_anything_is_started(ordered: Callable[..., Worker]) -> None:
    agent = Agent("a")
    ordered()
    Worker.objects.update(token_hash="made with another key")
    row = until(lambda: ended(agent))
    assert row.exit_cause == Cause.SPAWN
    assert "MODELYARD_SECRET_KEY" in row.exit_note


def test_a_worker_without_a_log_runs_and_the_row_says_why_there_is_none(
    ordered: Callable[..., Worker], tmp_path: Path, settings: object
) -> None:
    (tmp_path / "workers").write_text("a file where the folder should be")
    settings.MODELYARD_LOG_DIR = settings.MODELYARD_RUN_DIR = tmp_path  # type: ignore[attr-defined]
    agent = Agent("a")
    ordered()
    agent.cycle()
    row = Worker.objects.get()
    identity = ProcessIdentity(row.boot_id, row.pid or 0, row.process_started or 0)
    assert identity.alive()
    identity.kill_session()
    assert until(lambda: ended(agent)).exit_note.startswith("it has no log: ")
