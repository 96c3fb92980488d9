"""The heartbeat as the event loop sees it."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager

import pytest

from inference.config import WorkerConfig
from inference.failure import Failure
from inference.protocol.beat import Order, Report, WorkerState
from inference.protocol.causes import Cause
from inference.pulse import Pulse, aged
from inference.service import Service
from inference.shutdown import Shutdown

Config = Callable[..., WorkerConfig]


class Inbox:
    """Where the reports go in these tests."""

    def __init__(self, order: Order | None = Order.RUN, bug: Exception | None = None) -> None:
        self.order = order
        self.bug = bug
        self.reports: list[Report] = []

    def send(self, report: Report) -> Order | None:
        if self.bug is not None:
            raise self.bug
        self.reports.append(report)
        return self.order

    def close(self) -> None:
        pass


@asynccontextmanager
async def pulse_of(service: Service, inbox: Inbox) -> AsyncIterator[Shutdown]:
    shutdown = Shutdown(service.lifecycle, service.traffic, drain_timeout_s=60)
    pulse = Pulse(service, shutdown, sender=inbox)
    with ThreadPoolExecutor(1) as threads:
        pulse.start(threads)
        yield shutdown
        assert await pulse.finish(0.0)


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not holds():  # noqa: ASYNC110
            await asyncio.sleep(0.005)


async def test_a_failure_is_reported_with_its_reason_at_once(config: Config) -> None:
    service, inbox = Service(config(beat_interval_s=60)), Inbox()
    async with pulse_of(service, inbox):
        await until(lambda: len(inbox.reports) == 1)
        service.lifecycle.fail(Failure("no such file", Cause.FILES_MISSING, "Copy it."))
        await until(lambda: len(inbox.reports) == 2)
    assert inbox.reports[0]["state"] is WorkerState.LOADING
    assert (inbox.reports[1]["state"], inbox.reports[1]["reason"]) == (WorkerState.FAILED, "no such file")
    assert (inbox.reports[1]["cause"], inbox.reports[1]["hint"]) == ("files_missing", "Copy it.")


async def test_counters_are_fresh_at_every_beat(config: Config) -> None:
    service, inbox = Service(config(beat_interval_s=0.01)), Inbox()
    async with pulse_of(service, inbox):
        with service.traffic.request():
            await until(lambda: bool(inbox.reports) and inbox.reports[-1]["in_flight"] == 1)
    assert (inbox.reports[-1]["in_flight"], inbox.reports[-1]["requests_total"]) == (0, 1)


async def test_a_report_names_only_what_is_known(config: Config) -> None:
    service, inbox = Service(config(beat_interval_s=60)), Inbox()
    async with pulse_of(service, inbox):
        await until(lambda: bool(inbox.reports))
    assert not {"address", "capabilities", "context_length", "reason"} & set(inbox.reports[0])
    assert 0 < inbox.reports[0]["memory_bytes"] <= inbox.reports[0]["memory_peak_bytes"]


async def test_a_superseded_worker_drains_and_ends(config: Config) -> None:
    service = Service(config(beat_interval_s=60))
    service.lifecycle.ready()
    async with pulse_of(service, Inbox(order=None)) as shutdown, asyncio.timeout(5):
        await shutdown.wait()
    assert service.lifecycle.state is WorkerState.DRAINING


async def test_a_heartbeat_that_dies_of_a_bug_is_logged_and_drains_the_worker(
    config: Config, caplog: pytest.LogCaptureFixture
) -> None:
    service = Service(config(beat_interval_s=60))
    service.lifecycle.ready()
    with caplog.at_level(logging.CRITICAL):
        async with pulse_of(service, Inbox(bug=KeyError("a bug"))) as shutdown, asyncio.timeout(5):
            await shutdown.wait()
    assert "The heartbeat died of a bug" in caplog.text
    assert "KeyError" in caplog.text


async def test_an_agent_s_signal_makes_it_beat_at_once(config: Config) -> None:
    service, inbox = Service(config(beat_interval_s=60)), Inbox()
    async with pulse_of(service, inbox):
        await until(lambda: len(inbox.reports) == 1)
        os.kill(os.getpid(), signal.SIGUSR1)
        await until(lambda: len(inbox.reports) == 2)


async def test_a_stuck_event_loop_is_seen_by_the_heartbeat(config: Config) -> None:
    service, inbox = Service(config(beat_interval_s=0.05)), Inbox()
    service.lifecycle.ready()
    async with pulse_of(service, inbox):
        await until(lambda: len(inbox.reports) == 1)
        time.sleep(2.2)  # noqa: ASYNC251 - this is the stuck loop
        assert inbox.reports[-1]["stalled_s"] >= 2
        await until(lambda: inbox.reports[-1]["stalled_s"] == 0)


@pytest.mark.parametrize(
    ("state", "age_s", "stalled_s"),
    [(WorkerState.READY, 1.9, 4.0), (WorkerState.READY, 2.5, 6.5), (WorkerState.LOADING, 60.0, 4.0)],
)
def test_only_a_loop_that_is_late_adds_to_the_stall(state: WorkerState, age_s: float, stalled_s: float) -> None:
    assert aged({"state": state, "stalled_s": 4.0}, age_s)["stalled_s"] == stalled_s
