"""One launch from start to end: listen, load, serve, drain, stop."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import uvloop
from aiohttp import web

from inference import announce
from inference.config import WorkerConfig
from inference.engines.base import LoadProgress
from inference.errors import ListenError
from inference.failure import Failure
from inference.heartbeat import PostgresSender
from inference.listening import listen
from inference.loading import failure_of, load_engine
from inference.protocol.beat import WorkerState
from inference.pulse import Pulse
from inference.server.app import build_runner
from inference.service import Service
from inference.shutdown import Shutdown

log = logging.getLogger(__name__)

# Seconds. How long a failure is tried to be reported, and how long the engine may take to close.
_FAILURE_PATIENCE_S = 5.0
_CLOSE_S = 5.0


class Worker:
    """Ties the parts together, on the event loop; only loading, closing and beating have threads."""

    def __init__(self, config: WorkerConfig) -> None:
        self.config = config
        self.service = Service(config)
        self.shutdown = Shutdown(self.service.lifecycle, self.service.traffic, drain_timeout_s=config.drain_timeout_s)
        self._threads = ThreadPoolExecutor(max_workers=3, thread_name_prefix="inference")
        # Whether a thread was left behind that nothing can interrupt.
        self.stuck = False
        self._crash: Failure | None = None

    async def run(self) -> int:
        """Until it is time to go; returns the exit code."""
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, self.shutdown.on_signal)
        pulse = self._start_pulse()
        runner = build_runner(self.service)
        await runner.setup()
        failure = await self._serve(runner)
        if failure is not None:
            self._fail(failure)
        await self._close_engine()
        await runner.cleanup()
        if pulse is not None and not await pulse.finish(0.0 if failure is None else _FAILURE_PATIENCE_S):
            self.stuck = True
        self._threads.shutdown(wait=False)
        return 0 if failure is None else 1

    def _start_pulse(self) -> Pulse | None:
        url, launch_id, token = self.config.heartbeat_url, self.config.launch_id, self.config.token
        if url is None or launch_id is None or token is None:
            return None
        pulse = Pulse(self.service, self.shutdown, sender=PostgresSender(url, launch_id, token=token))
        pulse.start(self._threads)
        return pulse

    async def _serve(self, runner: web.AppRunner) -> Failure | None:
        """Listen, load, and serve; the failure when that does not work, or no longer."""
        try:
            self.service.address = await listen(runner, self.config.host, port=self.config.port, tls=self.config.tls)
        except ListenError as error:
            return error.failure
        self._say(announce.listening(self.service))
        leaving = asyncio.create_task(self.shutdown.wait())
        failure = await self._load(leaving)
        if failure is None:
            await leaving
        leaving.cancel()
        return failure or self._crash

    async def _load(self, leaving: asyncio.Task[None]) -> Failure | None:
        """Load until done or until told to leave; the failure when loading did not work."""
        loop = asyncio.get_running_loop()

        def report(now: LoadProgress) -> None:
            loop.call_soon_threadsafe(self.service.lifecycle.progress, now)

        def on_crash(failure: Failure) -> None:
            loop.call_soon_threadsafe(self._crashed, failure)

        loading = loop.run_in_executor(self._threads, load_engine, self.config, report, on_crash)
        either: tuple[asyncio.Future[Any], ...] = (leaving, loading)
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if not loading.done():
            self.stuck = True
            return None
        error = loading.exception()
        if error is not None:
            return None if leaving.done() else failure_of(error)
        self.service.loaded = loading.result()
        gc.freeze()  # what is loaded stays: the collector need not look through it while requests wait
        if self.service.lifecycle.state is WorkerState.LOADING:
            self.service.lifecycle.ready()
            self._say(announce.ready(self.service))
        return None

    def _crashed(self, failure: Failure) -> None:
        """The engine's loop has died and has told all who waited: a new process may do better."""
        self._crash = failure
        self.shutdown.stop()

    def _fail(self, failure: Failure) -> None:
        self.service.lifecycle.fail(failure)
        # For whoever reads the log when the database could not be told.
        log.info("Cause: %s", failure.cause)
        sys.stderr.write(f"python -m inference: {failure}\n")

    async def _close_engine(self) -> None:
        """Abort what runs and give the memory back; an engine that cannot is left to the end of the process."""
        if self.service.loaded is None:
            return
        closing = asyncio.get_running_loop().run_in_executor(self._threads, self.service.loaded.close)
        done, _ = await asyncio.wait({closing}, timeout=_CLOSE_S)
        self.stuck = self.stuck or not done
        if done and closing.exception() is not None:
            log.error("Closing the engine failed", exc_info=closing.exception())

    def _say(self, text: str) -> None:
        """Talk to the person in front of the terminal, if there is one: a launch of the platform has a heartbeat."""
        if self.config.heartbeat_url is None:
            sys.stdout.write(text + "\n")
            sys.stdout.flush()


def run_worker(config: WorkerConfig) -> int:
    """Run one worker to its end; returns the exit code."""
    worker = Worker(config)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        code = runner.run(worker.run())
    if worker.stuck:
        # The interpreter would wait for ever for a thread that loads, or hangs in a device's driver.
        logging.shutdown()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    return code
