"""Opening the port."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator

import pytest
from aiohttp import web

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
