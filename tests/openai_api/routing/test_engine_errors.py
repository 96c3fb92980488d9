"""Engines that are full or answer with errors of their own, and requests that break engines."""

from __future__ import annotations

from typing import Any

import pytest
from aiohttp import web
from echo_worker import EchoWorker
from error_shape import assert_error_shape
from gateway_rig import QUESTION, Rig, model, rig
from stub_replica import CHAT, stub

from inference.protocol.errors import InternalServerError, TooManyRequests
from inference.server.failures import respond
from openai_api.routing.ejection import PATIENCE

pytestmark = pytest.mark.processes

ASK: dict[str, Any] = {"model": "echo", "messages": QUESTION}


def asking(question: str) -> dict[str, Any]:
    return ASK | {"messages": [{"role": "user", "content": question}]}


async def text(here: Rig) -> str | None:
    answer = await here.client.chat.completions.create(model="echo", messages=QUESTION)
    return answer.choices[0].message.content


async def full(request: web.Request) -> web.StreamResponse:
    return respond(TooManyRequests("Too many wait.", retry_after_s=7, code="engine_overloaded"))


async def failing(request: web.Request) -> web.StreamResponse:
    return respond(InternalServerError("The engine broke."))


async def test_a_replica_that_says_that_it_is_full_makes_way_for_another(worker: EchoWorker) -> None:
    async with stub(full) as busy, rig(model("echo", busy, worker.replica)) as here:
        assert [await text(here) for _ in range(4)] == ["one two three"] * 4


async def test_when_all_replicas_stay_full_the_client_may_try_again(settings: Any) -> None:
    settings.MODELYARD_QUEUE_TIMEOUT_S = 0.2
    async with stub(full) as busy, rig(model("echo", busy)) as here, here.http.post(CHAT, json=ASK) as response:
        await assert_error_shape(response, 503, "queue_timeout")
        assert response.headers["Retry-After"] == "5"


async def test_an_engines_own_error_is_tried_once_more_elsewhere(worker: EchoWorker) -> None:
    async with stub(failing) as broken, rig(model("echo", broken, worker.replica)) as here:
        assert [await text(here) for _ in range(4)] == ["one two three"] * 4


async def well(request: web.Request) -> web.StreamResponse:
    return web.json_response({})


async def test_an_engine_that_errs_where_another_one_answers_is_left_out() -> None:
    knocks = 0

    async def counted(request: web.Request) -> web.StreamResponse:
        nonlocal knocks
        knocks += 1
        return await failing(request)

    async with stub(counted) as broken, stub(well) as fine, rig(model("echo", broken, fine)) as here:
        for number in range(40):
            async with here.http.post(CHAT, json=asking(str(number))) as response:
                assert response.status == 200
    assert knocks == PATIENCE


async def test_a_request_that_every_engine_answers_with_an_error_costs_none_its_work() -> None:
    asked = [0, 0]

    def sensitive(number: int) -> Any:
        async def answer(request: web.Request) -> web.StreamResponse:
            if "poison" in await request.text():
                return await failing(request)
            asked[number] += 1
            return web.json_response({})

        return answer

    async with stub(sensitive(0)) as one, stub(sensitive(1)) as two, rig(model("echo", one, two)) as here:
        for _ in range(4):
            async with here.http.post(CHAT, json=asking("poison")) as response:
                await assert_error_shape(response, 500, "internal_error")
        for number in range(30):
            async with here.http.post(CHAT, json=asking(str(number))) as response:
                assert response.status == 200
    assert min(asked) > 0


async def test_an_error_of_two_engines_is_the_clients_answer() -> None:
    async with (
        stub(failing) as one,
        stub(failing) as two,
        rig(model("echo", one, two)) as here,
        here.http.post(CHAT, json=ASK) as response,
    ):
        assert await assert_error_shape(response, 500, "internal_error") == "The engine broke."


async def test_a_request_that_kills_replicas_kills_two_at_most() -> None:
    knocks = 0

    async def dying(request: web.Request) -> web.StreamResponse:
        nonlocal knocks
        knocks += 1
        await request.read()
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    async with (
        stub(dying) as one,
        stub(dying) as two,
        stub(dying) as three,
        rig(model("echo", one, two, three)) as here,
        here.http.post(CHAT, json=ASK) as response,
    ):
        await assert_error_shape(response, 500, "engine_error")
    assert knocks == 2
