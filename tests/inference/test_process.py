"""`python -m inference` as a real process."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest

pytestmark = pytest.mark.processes

ROOT = Path(__file__).parents[2]
CHAT = "/v1/chat/completions"
ENDLESS = {"model": "echo", "messages": [{"role": "user", "content": "a b c"}], "ignore_eos": True, "stream": True}


@dataclass(frozen=True)
class Running:
    """A worker process and where it serves."""

    process: Process
    address: str
    client: aiohttp.ClientSession

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    async def exit_code(self, within_s: float = 10.0) -> int:
        async with asyncio.timeout(within_s):
            return await self.process.wait()

    async def health(self) -> dict[str, Any]:
        async with self.client.get("/health") as response:
            return dict(await response.json())

    async def until_state(self, state: str) -> None:
        async with asyncio.timeout(10):
            while (await self.health())["state"] != state:  # noqa: ASYNC110
                await asyncio.sleep(0.01)

    async def until_running(self, sequences: int) -> None:
        async with asyncio.timeout(10):
            while await self._running() != sequences:  # noqa: ASYNC110
                await asyncio.sleep(0.01)

    async def _running(self) -> int:
        async with self.client.get("/stats") as response:
            return int((await response.json())["engine"]["running"])


Start = Callable[..., Awaitable[Running]]


async def spawn(*argv: str, **environ: str) -> Process:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("MODELYARD_")}
    command = [sys.executable, "-m", "inference", *argv]
    return await asyncio.create_subprocess_exec(*command, cwd=ROOT, env=inherited | environ, stdout=PIPE, stderr=PIPE)


def echo(*argv: str, **options: Any) -> list[str]:
    return [
        "--engine",
        "echo",
        "--model",
        "/nowhere",
        "--name",
        "echo",
        "--options",
        orjson.dumps(options).decode(),
        *argv,
    ]


@pytest.fixture
async def start() -> AsyncIterator[Start]:
    """A function that starts an echo worker with options and waits until it listens, or until a state."""
    started: list[Running] = []

    async def begin(*, state: str = "READY", **options: Any) -> Running:
        process = await spawn(*echo("--port", "0", **options))
        assert process.stdout is not None
        line = (await asyncio.wait_for(process.stdout.readline(), 10)).decode()
        address = line.split(" at ")[1].split()[0]
        running = Running(process, address, aiohttp.ClientSession(address))
        started.append(running)
        await running.until_state(state)
        return running

    yield begin
    for running in started:
        await running.client.close()
        if running.process.returncode is None:
            running.process.kill()
        await running.process.communicate()


async def finished(*argv: str, **environ: str) -> tuple[int | None, str]:
    """Exit code and stderr of a worker that ends by itself."""
    process = await spawn(*argv, **environ)
    _, stderr = await asyncio.wait_for(process.communicate(), 20)
    return process.returncode, stderr.decode()


async def test_bad_arguments_end_with_code_2_and_a_sentence() -> None:
    code, stderr = await finished(*echo("--host", "0.0.0.0"))
    assert code == 2
    assert "Set MODELYARD_WORKER_TOKEN" in stderr
    assert "Traceback" not in stderr


async def test_a_taken_port_ends_with_code_1_and_a_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        code, stderr = await finished(*echo("--port", str(taken.getsockname()[1])))
    assert code == 1
    assert "is taken. Choose another with --port" in stderr
    assert "Traceback" not in stderr


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"fail_load": "The weights are cursed. Take others."}, "The weights are cursed. Take others."),
        ({"require_path": True}, "There is no model at /nowhere. Check the path of the model."),
        ({"sped": 1}, "The engine 'echo' has no option 'sped'."),
    ],
)
async def test_a_failed_load_ends_with_code_1_and_its_reason(options: dict[str, Any], sentence: str) -> None:
    code, stderr = await finished(*echo("--port", "0", **options))
    assert code == 1
    assert f"python -m inference: {sentence}" in stderr
    assert "Traceback" not in stderr


async def test_a_signal_for_a_beat_never_kills_a_worker_once_it_is_caught() -> None:
    process = await spawn(*echo("--port", "0"))
    async with asyncio.timeout(10):
        while not catches(process.pid, signal.SIGUSR1):  # noqa: ASYNC110
            await asyncio.sleep(0.001)
        process.send_signal(signal.SIGUSR1)
        assert process.stdout is not None
        while b"Serving" not in (line := await process.stdout.readline()):
            assert line
    process.send_signal(signal.SIGUSR1)
    process.send_signal(signal.SIGTERM)
    await process.communicate()
    assert process.returncode == 0


def catches(pid: int, number: signal.Signals) -> bool:
    status = Path(f"/proc/{pid}/status").read_text()
    [mask] = [line.split()[1] for line in status.splitlines() if line.startswith("SigCgt:")]
    return bool(int(mask, 16) >> (number - 1) & 1)


async def test_a_worker_that_cannot_reach_its_database_still_ends_with_its_reason() -> None:
    environ = {
        "MODELYARD_HEARTBEAT_URL": "postgresql://u:hidden@127.0.0.1:1/x",
        "MODELYARD_BEAT_INTERVAL_S": "0.1",
        "MODELYARD_WORKER_TOKEN": "t",
    }
    launch = ["--launch-id", "0f8fad5b-d9cb-469f-a165-70867728950e"]
    code, stderr = await finished(*echo("--port", "0", *launch, fail_load="No luck."), **environ)
    assert code == 1
    assert "No luck." in stderr
    assert "Cause: crashed" in stderr
    assert "hidden" not in stderr


async def test_the_echo_engine_starts_in_a_moment_and_without_torch() -> None:
    program = (
        "import inference.worker, inference.engines.echo.engine, sys; assert not {'torch', 'numpy'} & set(sys.modules)"
    )
    started = time.monotonic()
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", program, cwd=ROOT)
    assert await asyncio.wait_for(process.wait(), 20) == 0
    # Half a second on an idle machine; the rest is for one that is not.
    assert time.monotonic() - started < 5


async def test_it_answers_while_it_loads(start: Start) -> None:
    worker = await start(state="LOADING", load_seconds=60)
    async with worker.client.post(CHAT, json=ENDLESS) as response:
        assert response.status == 503
        assert "Retry-After" in response.headers
    worker.signal(signal.SIGTERM)
    assert await worker.exit_code(within_s=3) == 0


async def test_a_drain_lets_a_running_stream_finish(start: Start) -> None:
    worker = await start(token_delay_ms=20)
    async with worker.client.post(CHAT, json={**ENDLESS, "max_tokens": 30}) as stream:
        await worker.until_running(1)
        worker.signal(signal.SIGTERM)
        await worker.until_state("DRAINING")
        async with worker.client.post(CHAT, json=ENDLESS) as refused:
            assert refused.status == 503
        text = await stream.text()
    assert text.count('"delta":{"content":"') == 30
    assert text.endswith("data: [DONE]\n\n")
    assert await worker.exit_code() == 0


@pytest.mark.parametrize("options", [{"token_delay_ms": 10}, {"hang_after_tokens": 1}])
async def test_a_second_signal_stops_at_once_and_the_client_is_told(start: Start, options: dict[str, Any]) -> None:
    worker = await start(**options)
    async with worker.client.post(CHAT, json=ENDLESS) as stream:
        await worker.until_running(1)
        worker.signal(signal.SIGTERM)
        await worker.until_state("DRAINING")
        worker.signal(signal.SIGTERM)
        text = await stream.text()
    assert '"code":"engine_closed"' in text.splitlines()[-4]
    assert await worker.exit_code(within_s=3) == 0


async def test_a_drain_ends_at_its_deadline(start: Start) -> None:
    worker = await start(hang_after_tokens=1, drain_timeout_s=0.3)
    async with worker.client.post(CHAT, json=ENDLESS) as stream:
        await worker.until_running(1)
        worker.signal(signal.SIGINT)
        assert "engine_closed" in await stream.text()
    assert await worker.exit_code(within_s=3) == 0


@pytest.mark.parametrize("stream", [True, False])
async def test_a_client_that_vanishes_stops_the_engine_within_a_second(start: Start, stream: bool) -> None:
    worker = await start(hang_after_tokens=2)
    body = orjson.dumps({**ENDLESS, "stream": stream})
    host, port = worker.address.removeprefix("http://").split(":")
    _, writer = await asyncio.open_connection(host, int(port))
    writer.write(b"POST %b HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%b" % (CHAT.encode(), len(body), body))
    await worker.until_running(1)
    # No goodbye: the connection is reset, while nothing is being written to it.
    writer.transport.abort()
    left = time.monotonic()
    await worker.until_running(0)
    assert time.monotonic() - left < 1


@pytest.mark.parametrize(("options", "code"), [({}, 70), ({"crash_signal": "SIGKILL"}, -signal.SIGKILL)])
async def test_a_crash_is_a_real_one(start: Start, options: dict[str, Any], code: int) -> None:
    worker = await start(crash_after_tokens=2, **options)
    with pytest.raises(aiohttp.ClientError):
        async with worker.client.post(CHAT, json=ENDLESS) as response:
            await response.read()
    assert await worker.exit_code() == code
