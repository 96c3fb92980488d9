"""Decides when a worker ends: signals, orders from the database, and requests that still run."""

from __future__ import annotations

import asyncio
import logging

from inference.lifecycle import Lifecycle
from inference.protocol.beat import Order, WorkerState
from inference.traffic import Traffic

log = logging.getLogger(__name__)


class Shutdown:
    """On the event loop. To drain is to take nothing new and to end with the last request; to stop is to end now."""

    def __init__(self, lifecycle: Lifecycle, traffic: Traffic, *, drain_timeout_s: float) -> None:
        self._lifecycle = lifecycle
        self._traffic = traffic
        self._drain_timeout_s = drain_timeout_s
        self._now = asyncio.Event()
        self._drained: asyncio.Task[None] | None = None
        self._deadline: asyncio.TimerHandle | None = None

    async def wait(self) -> None:
        """Return when it is time to go."""
        await self._now.wait()

    def stop(self) -> None:
        """Go now; what runs is aborted."""
        self._now.set()

    def drain(self) -> None:
        """Finish what runs, however long it takes: who ordered it may order a stop later."""
        if self._lifecycle.state in (WorkerState.LOADING, WorkerState.READY):
            self._lifecycle.drain()
            self._drained = asyncio.create_task(self._stop_when_idle())

    def drain_in_time(self) -> None:
        """Finish what runs, within the time-out: nobody may come and order a stop."""
        self.drain()
        if self._deadline is None:
            self._deadline = asyncio.get_running_loop().call_later(self._drain_timeout_s, self._give_up)

    def on_signal(self) -> None:
        """SIGTERM or Ctrl-C: the first drains, the second stops."""
        if self._deadline is None:
            self.drain_in_time()
        else:
            self.stop()

    def obey(self, order: Order | None) -> None:
        """What the database answered to a beat. None: another launch took this one's place."""
        if order is Order.STOP:
            self.stop()
        elif order is Order.DRAIN:
            self.drain()
        elif order is None and self._deadline is None:
            log.warning("This launch is superseded: finishing what runs, then leaving")
            self.drain_in_time()

    async def _stop_when_idle(self) -> None:
        await self._traffic.idle()
        self.stop()

    def _give_up(self) -> None:
        if not self._now.is_set():
            log.warning("Aborting %d requests after %g s of draining", self._traffic.in_flight, self._drain_timeout_s)
        self.stop()
