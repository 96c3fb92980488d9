"""Opening the port."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web
from certified import expired_files, tls_files

from inference.errors import ListenError
from inference.listening import listen
from inference.protocol.causes import Cause


@pytest.fixture
async def runner() -> AsyncIterator[web.AppRunner]:
    runner = web.AppRunner(web.Application())
    await runner.setup()
    yield runner
    await runner.cleanup()


async def test_port_0_is_one_that_the_kernel_chose(runner: web.AppRunner) -> None:
    address = await listen(runner, "127.0.0.1", port=0)
    assert address == f"http://127.0.0.1:{runner.addresses[0][1]}"


async def test_all_addresses_are_announced_by_the_machines_name(runner: web.AppRunner) -> None:
    address = await listen(runner, "0.0.0.0", port=0)
    assert address.startswith(f"http://{socket.gethostname()}:")


async def test_a_port_that_is_taken_is_a_sentence(runner: web.AppRunner) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(ListenError, match=f"Port {port} of 127.0.0.1 is taken") as taken:
            await listen(runner, "127.0.0.1", port=port)
    assert taken.value.failure.cause is Cause.PORT_TAKEN


@pytest.mark.parametrize("host", ["192.0.2.1", "no-such-host.invalid"])
async def test_an_address_of_another_machine_is_a_sentence(runner: web.AppRunner, host: str) -> None:
    with pytest.raises(ListenError, match=f"This machine has no address '{host}'"):
        await listen(runner, host, port=0)


async def test_a_worker_with_a_certificate_is_announced_by_https(runner: web.AppRunner, tmp_path: Path) -> None:
    address = await listen(runner, "127.0.0.1", port=0, tls=tls_files(tmp_path))
    assert address == f"https://127.0.0.1:{runner.addresses[0][1]}"


async def test_a_certificate_that_cannot_serve_is_a_failure_with_a_next_step(
    runner: web.AppRunner, tmp_path: Path
) -> None:
    with pytest.raises(ListenError, match=r"node\.pem is not good for 127\.0\.0\.1 .*has expired") as refused:
        await listen(runner, "127.0.0.1", port=0, tls=expired_files(tmp_path))
    assert refused.value.failure.cause is Cause.OPTIONS
    assert "modelyard tls" in refused.value.failure.hint
