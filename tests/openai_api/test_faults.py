"""Replicas that are gone, go away, or go away in the middle."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from typing import Any
from uuid import uuid4

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from echo_worker import EchoWorker, echo_worker
from error_shape import assert_envelope, assert_error_shape
from gateway_rig import QUESTION, Rig, eventually, model, rig, snapshot
from load import streamed_text
from stub_replica import CHAT, stub

from inference.protocol.stream import KEEP_ALIVE
from openai_api.routing import lookup, seating
from registry.catalog import Replica, ServingState, Status

pytestmark = pytest.mark.processes

ASK: dict[str, Any] = {"model": "echo", "messages": QUESTION}
ENDLESS = ASK | {"stream": True, "ignore_eos": True}


def asking(question: str) -> dict[str, Any]:
    return ASK | {"messages": [{"role": "user", "content": question}]}


def nobody() -> Replica:
    """An address where nobody listens."""
    return Replica(uuid4(), "http://127.0.0.1:9", ("chat",))


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """The next launch of what has crashed is awaited for a moment only."""
    monkeypatch.setattr(lookup, "RELAUNCH_S", 0.2)
    monkeypatch.setattr(seating, "LOOKED_AFTER_S", 0.25)


async def text(here: Rig) -> str | None:
    answer = await here.client.chat.completions.create(model="echo", messages=QUESTION)
    return answer.choices[0].message.content


async def test_before_the_first_byte_another_replica_answers(worker: EchoWorker) -> None:
    async with rig(model("echo", nobody(), nobody(), worker.replica)) as here:
        assert [await text(here) for _ in range(3)] == ["one two three"] * 3
        assert here.in_flight() == 0


async def test_a_replica_that_refused_is_not_tried_again_at_once(worker: EchoWorker) -> None:
    knocks = 0

    async def broken(request: web.Request) -> web.StreamResponse:
        nonlocal knocks
        knocks += 1
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    async with stub(broken) as gone, rig(model("echo", gone, worker.replica)) as here:
        assert [await text(here) for _ in range(12)] == ["one two three"] * 12
    assert knocks <= 1


@pytest.mark.usefixtures("impatient")
async def test_when_no_replica_is_left_the_client_may_try_again() -> None:
    async with rig(model("echo", nobody(), nobody())) as here, here.http.post(CHAT, json=ASK) as response:
        message = await assert_error_shape(response, 503, "model_not_ready")
        assert response.headers["Retry-After"] == "2"
    assert "no replica that answers" in message


async def test_a_draining_worker_hands_new_requests_to_another_and_finishes_its_own(worker: EchoWorker) -> None:
    with echo_worker(token_delay_ms=30) as leaving:
        async with rig(model("echo", leaving.replica)) as here:
            stream = await here.client.chat.completions.create(
                model="echo", messages=[{"role": "user", "content": "word " * 30}], stream=True
            )
            await anext(aiter(stream))
            leaving.drain()
            here.gateway.update(snapshot(model("echo", leaving.replica, worker.replica)))
            assert await asyncio.gather(*(text(here) for _ in range(4))) == ["one two three"] * 4
            rest = [chunk.choices[0].delta.content or "" async for chunk in stream]
    assert "".join(rest).count("word") >= 29


async def test_a_worker_that_dies_in_mid_stream_ends_the_stream_with_an_error_event() -> None:
    with echo_worker(token_delay_ms=20) as dying:
        async with rig(model("echo", dying.replica)) as here, here.http.post(CHAT, json=ENDLESS) as response:
            assert response.status == 200
            await response.content.readuntil(b"\n\n")
            dying.kill()
            events = (await response.content.read()).split(b"\n\n")
    last = json.loads(events[-3].removeprefix(b"data: "))
    assert assert_envelope(last, "answer_cut_short").startswith("The worker that was answering went away.")
    assert events[-2] == b"data: [DONE]"


async def test_a_worker_that_dies_in_an_answer_that_is_not_streamed_is_replaced_by_another(worker: EchoWorker) -> None:
    with echo_worker(token_delay_ms=50) as dying:
        async with rig(model("echo", dying.replica)) as here:
            answered = asyncio.create_task(text(here))
            await eventually(lambda: dying.running == 1)
            here.gateway.update(snapshot(model("echo", dying.replica, worker.replica)))
            dying.kill()
            assert await answered == "one two three"


async def test_a_request_whose_only_replica_crashed_is_answered_by_its_next_launch(worker: EchoWorker) -> None:
    with echo_worker(token_delay_ms=50) as dying:
        async with rig(model("echo", dying.replica)) as here:
            tasks = [asyncio.create_task(text(here)) for _ in range(4)]
            await eventually(lambda: dying.running == 4)
            dying.kill()
            await eventually(lambda: here.in_flight() == 0)
            here.gateway.update(snapshot(model("echo", status=Status(ServingState.FAILED))))
            here.gateway.update(snapshot(model("echo", status=Status(ServingState.LOADING, 40))))
            here.gateway.update(snapshot(model("echo", worker.replica)))
            assert await asyncio.gather(*tasks) == ["one two three"] * 4


async def test_an_engine_that_is_silent_for_too_long_is_a_503(settings: Any) -> None:
    settings.MODELYARD_REQUEST_TIMEOUT_S = 0.3
    with echo_worker(hang_after_tokens=0) as hanging:
        async with rig(model("echo", hanging.replica)) as here:
            async with here.http.post(CHAT, json=ASK) as response:
                await assert_error_shape(response, 503, "engine_timeout")
            await eventually(lambda: hanging.running == 0, within=1)


async def test_an_engine_that_falls_silent_in_mid_stream_ends_with_an_error_event(settings: Any) -> None:
    settings.MODELYARD_REQUEST_TIMEOUT_S = 0.3
    with echo_worker(hang_after_tokens=1) as hanging:
        async with rig(model("echo", hanging.replica)) as here, here.http.post(CHAT, json=ENDLESS) as response:
            events = (await response.content.read()).split(b"\n\n")
    assert_envelope(json.loads(events[-3].removeprefix(b"data: ")), "engine_timeout")


@pytest.mark.usefixtures("impatient")
async def test_a_worker_that_refuses_our_token_is_not_the_clients_fault(worker: EchoWorker) -> None:
    stranger = Replica(uuid4(), worker.address, ("chat",))
    async with rig(model("echo", stranger)) as here, here.http.post(CHAT, json=ASK) as response:
        await assert_error_shape(response, 503, "model_not_ready")


async def test_a_worker_that_only_kept_its_line_open_is_replaced_by_another(worker: EchoWorker) -> None:
    async def breathing(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await answer.prepare(request)
        await answer.write(KEEP_ALIVE)
        await answer.write(KEEP_ALIVE)
        assert request.transport is not None
        request.transport.abort()
        return answer

    async with stub(breathing) as gone, rig(model("echo", gone, worker.replica)) as here:
        for _ in range(4):
            async with here.http.post(CHAT, json=ASK | {"stream": True}) as response:
                assert b"three" in await response.content.read()


async def test_a_client_that_reads_slowly_makes_the_gateway_wait_not_grow(worker: EchoWorker) -> None:
    sent = 0

    async def flood(request: web.Request) -> web.StreamResponse:
        nonlocal sent
        stream = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await stream.prepare(request)
        while True:
            await stream.write(b"data: " + b"x" * 65_536 + b"\n\n")
            sent += 65_536

    app = web.Application()
    app.router.add_post(CHAT, flood)
    async with TestServer(app) as server:
        address = f"http://127.0.0.1:{server.port}"
        async with rig(model("echo", Replica(uuid4(), address, ("chat",)))) as here:
            async with here.http.post(CHAT, json=ENDLESS) as response:
                assert response.status == 200
                stalled_at = -1
                while sent != stalled_at:
                    stalled_at = sent
                    await asyncio.sleep(0.3)
            assert sent < 40_000_000  # what sockets and buffers hold on the way, not what could be sent
            await eventually(lambda: here.in_flight() == 0)


async def streamed(here: Rig, number: int, begun: list[int]) -> str:
    """What became of one stream: `whole`, `cut` with an error event and the closing mark, or something else."""
    async with here.http.post(CHAT, json=asking(" ".join([str(number)] * 80)) | {"stream": True}) as response:
        first = await response.content.readuntil(b"\n\n")
        begun.append(number)
        body = first + await response.read()
    *_, last, done, end = body.split(b"\n\n")
    if (done, end) == (b"data: [DONE]", b"") and b"answer_cut_short" in last:
        return "cut"
    return "whole" if streamed_text(body) == " ".join([str(number)] * 80) else body.decode()


async def test_of_many_streams_a_killed_replica_costs_its_own_and_no_answer_that_had_not_begun(
    worker: EchoWorker, other_worker: EchoWorker
) -> None:
    begun: list[int] = []
    with echo_worker(token_delay_ms=20) as dying:
        async with rig(model("echo", dying.replica, worker.replica, other_worker.replica)) as here:
            streams = [asyncio.create_task(streamed(here, number, begun)) for number in range(32)]
            await eventually(lambda: len(begun) == 32)
            cut = here.gateway.dispatcher.in_flight(dying.launch_id)
            wholes = [asyncio.create_task(text(here)) for _ in range(8)]
            await eventually(lambda: here.in_flight() == 40)
            dying.kill()
            assert await asyncio.gather(*wholes) == ["one two three"] * 8
            results = Counter(await asyncio.gather(*streams))
    assert cut > 0
    assert results == {"whole": 32 - cut, "cut": cut}
