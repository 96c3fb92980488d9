"""The gateway's start and end, and what is answered before it knows its routes."""

from __future__ import annotations

import pytest
from aiohttp import ClientSession, WSServerHandshakeError
from asgiref.testing import ApplicationCommunicator
from error_shape import assert_error_shape
from gateway_rig import rig, serving

from openai_api import gateway, lifespan
from pages.chat.consumer import LOGGED_OUT


async def test_the_server_starts_and_ends_the_gateway_of_its_loop() -> None:
    server = ApplicationCommunicator(lifespan.lifespan, {"type": "lifespan"})
    await server.send_input({"type": "lifespan.startup"})
    assert (await server.receive_output())["type"] == "lifespan.startup.complete"
    started = lifespan.current()
    assert lifespan.current() is started
    await server.send_input({"type": "lifespan.shutdown"})
    assert (await server.receive_output())["type"] == "lifespan.shutdown.complete"
    assert lifespan.start(refreshed=False) is not started
    await lifespan.stop()


async def test_before_the_routes_are_known_clients_are_asked_to_come_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gateway, "FIRST_READ_S", 0.05)
    async with serving() as url, ClientSession(url) as http:
        for path in ("/ready", "/v1/models"):
            async with http.get(path) as response:
                await assert_error_shape(response, 503, "service_unavailable")
                assert response.headers["Retry-After"]
        async with http.get("/health") as response:
            assert response.status == 200


async def test_a_websocket_without_a_login_is_told_to_log_in() -> None:
    async with rig() as here, here.http.ws_connect("/ws/chat", headers={"Origin": here.url}) as socket:
        await socket.receive()
        assert socket.close_code == LOGGED_OUT


@pytest.mark.parametrize(("path", "origin"), [("/ws/nothing", "http://127.0.0.1"), ("/ws/chat", "http://evil.example")])
async def test_websockets_from_elsewhere_or_to_nowhere_are_refused(path: str, origin: str) -> None:
    async with rig() as here:
        with pytest.raises(WSServerHandshakeError) as caught:
            await here.http.ws_connect(path, headers={"Origin": origin})
    assert caught.value.status == 403
