"""When a worker ends."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from inference.lifecycle import Lifecycle
from inference.protocol.beat import Order, WorkerState
from inference.shutdown import Shutdown
from inference.traffic import Traffic


class Parts:
    def __init__(self, drain_timeout_s: float = 60.0) -> None:
        self.lifecycle = Lifecycle()
        self.lifecycle.ready()
        self.traffic = Traffic()
        self.shutdown = Shutdown(self.lifecycle, self.traffic, drain_timeout_s=drain_timeout_s)

    async def ends(self, within_s: float = 5.0) -> bool:
        done, _ = await asyncio.wait({asyncio.ensure_future(self.shutdown.wait())}, timeout=within_s)
        return bool(done)


DRAINS: list[Callable[[Shutdown], None]] = [
    Shutdown.on_signal,
    Shutdown.drain,
    lambda shutdown: shutdown.obey(Order.DRAIN),
    lambda shutdown: shutdown.obey(None),
]


@pytest.mark.parametrize("drain", DRAINS)
async def test_a_drain_waits_for_what_runs(drain: Callable[[Shutdown], None]) -> None:
    parts = Parts()
    with parts.traffic.request():
        drain(parts.shutdown)
        parts.shutdown.obey(Order.RUN)
        assert parts.lifecycle.state is WorkerState.DRAINING
        assert not await parts.ends(within_s=0.05)
    assert await parts.ends()


@pytest.mark.parametrize("drain", [Shutdown.on_signal, lambda shutdown: shutdown.obey(None)])
async def test_a_drain_that_nobody_watches_has_a_deadline(drain: Callable[[Shutdown], None]) -> None:
    parts = Parts(drain_timeout_s=0.05)
    with parts.traffic.request():
        drain(parts.shutdown)
        assert await parts.ends()


async def test_a_drain_that_was_ordered_has_none() -> None:
    parts = Parts(drain_timeout_s=0.01)
    with parts.traffic.request():
        parts.shutdown.obey(Order.DRAIN)
        assert not await parts.ends(within_s=0.1)
        parts.shutdown.obey(Order.STOP)
        assert await parts.ends()


async def test_the_second_signal_stops_at_once() -> None:
    parts = Parts()
    with parts.traffic.request():
        parts.shutdown.on_signal()
        parts.shutdown.on_signal()
        assert await parts.ends()


async def test_a_signal_gives_an_ordered_drain_a_deadline() -> None:
    parts = Parts(drain_timeout_s=0.05)
    with parts.traffic.request():
        parts.shutdown.obey(Order.DRAIN)
        parts.shutdown.on_signal()
        assert await parts.ends()


async def test_run_changes_nothing() -> None:
    parts = Parts()
    parts.shutdown.obey(Order.RUN)
    assert parts.lifecycle.state is WorkerState.READY
    assert not await parts.ends(within_s=0.02)
