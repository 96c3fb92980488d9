"""A worker from start to end, on the test's own event loop."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable

import pytest

from inference.config import WorkerConfig
from inference.failure import Failure
from inference.protocol.beat import WorkerState
from inference.protocol.causes import Cause
from inference.worker import Worker

Config = Callable[..., WorkerConfig]


async def test_a_worker_whose_engine_dies_fails_with_the_cause_and_ends(
    config: Config, capfd: pytest.CaptureFixture[str]
) -> None:
    worker = Worker(config())
    running = asyncio.create_task(worker.run())
    async with asyncio.timeout(10):
        while worker.service.lifecycle.state is not WorkerState.READY:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        assert worker.service.loaded is not None
        failure = Failure("The memory of the GPU ran out.", Cause.GPU_MEMORY, "Lower the option 'context_length'.")
        await asyncio.to_thread(worker.service.loaded.on_crash, failure)
        assert await running == 1
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().remove_signal_handler(number)
    assert worker.service.lifecycle.phase.failure == failure
    assert "The memory of the GPU ran out. Lower the option" in capfd.readouterr().err
