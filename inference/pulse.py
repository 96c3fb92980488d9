"""Keeps the newest report for the heartbeat's thread, and looks after that thread."""

from __future__ import annotations

import asyncio
import logging
import signal
import time
from concurrent.futures import Executor

from inference.heartbeat import Heart, Heartbeat, Sender
from inference.protocol.beat import Order, Report, WorkerState
from inference.report import compose
from inference.service import Service
from inference.shutdown import Shutdown

log = logging.getLogger(__name__)

# What an agent sends for a beat at once. `inference.__main__` catches it before anything else: by itself it kills.
_BEAT_NOW = signal.SIGUSR1
# Seconds that the last beat may take beyond its patience: a connection and a statement that both time out.
_GRACE_S = 5.0
# Seconds between two reports, however far apart the beats are, and the age from which one shows a loop that is stuck.
_REPORT_EVERY_S = 1.0
_STALE_S = 2.0


class Pulse:
    """The heartbeat as the event loop sees it.

    Reports are made on the loop, since they ask the engine; the thread reads the newest, replaced as a whole.
    """

    def __init__(self, service: Service, shutdown: Shutdown, *, sender: Sender) -> None:
        self._service = service
        self._shutdown = shutdown
        self._loop = asyncio.get_running_loop()
        self._interval_s = service.config.beat_interval_s
        self._compose()
        self._heartbeat = Heartbeat(Heart(self._latest, sender, self._obey), self._interval_s)
        service.lifecycle.watch(self._changed)

    def start(self, threads: Executor) -> None:
        """Begin to beat. When a part of it dies of a bug, that is logged and the worker drains."""
        self._loop.add_signal_handler(_BEAT_NOW, self._changed)
        self._sampling = asyncio.create_task(self._sample())
        self._beating = self._loop.run_in_executor(threads, self._heartbeat.run)
        for part in (self._sampling, self._beating):
            part.add_done_callback(self._ended)

    async def finish(self, patience_s: float) -> bool:
        """Send the last report; false when the thread is stuck and was left behind."""
        self._sampling.cancel()
        self._compose()
        self._heartbeat.finish(patience_s)
        done, _ = await asyncio.wait({self._beating}, timeout=patience_s + _GRACE_S)
        return bool(done)

    def _latest(self) -> Report:
        """On the heartbeat's thread: the newest report, which is old when the event loop is stuck."""
        report, composed_at = self._newest
        return aged(report, time.monotonic() - composed_at)

    def _compose(self) -> None:
        self._newest = compose(self._service), time.monotonic()

    def _changed(self) -> None:
        self._compose()
        self._heartbeat.beat_now()

    def _obey(self, order: Order | None) -> None:
        self._loop.call_soon_threadsafe(self._shutdown.obey, order)

    async def _sample(self) -> None:
        while True:
            self._compose()
            await asyncio.sleep(min(self._interval_s, _REPORT_EVERY_S))

    def _ended(self, part: asyncio.Future[None]) -> None:
        if part.cancelled() or part.exception() is None:
            return
        log.critical("The heartbeat died of a bug; draining", exc_info=part.exception())
        self._shutdown.drain_in_time()


def aged(report: Report, age_s: float) -> Report:
    """The report as it stands so many seconds after it was made: an engine whose loop is stuck makes no step either."""
    if age_s <= _STALE_S or report["state"] is WorkerState.LOADING:
        return report
    return {**report, "stalled_s": round(report.get("stalled_s", 0.0) + age_s, 1)}
