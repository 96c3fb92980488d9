"""Waiting for a seat, with real workers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from echo_worker import EchoWorker
from error_shape import assert_error_shape
from gateway_rig import QUESTION, Rig, eventually, model, rig, snapshot

from registry.catalog import ServingState, Status

pytestmark = pytest.mark.processes

CHAT = "/v1/chat/completions"
ASK: dict[str, Any] = {"model": "echo", "messages": QUESTION}
ENDLESS = ASK | {"stream": True, "ignore_eos": True}


@asynccontextmanager
async def one_seat(worker: EchoWorker) -> AsyncIterator[Rig]:
    """A gateway whose only seat is taken."""
    async with (
        rig(model("echo", replace(worker.replica, capacity=1))) as here,
        here.http.post(CHAT, json=ENDLESS) as holding,
    ):
        await holding.content.readany()
        yield here


def waiting(here: Rig) -> Any:
    return vars(vars(here.gateway.dispatcher)["_seating"])["_waiting"]


async def test_no_replica_gets_more_than_it_runs_and_all_are_answered(
    worker: EchoWorker, other_worker: EchoWorker
) -> None:
    most = 0
    replicas = [replace(each.replica, capacity=2) for each in (worker, other_worker)]
    async with rig(model("echo", *replicas)) as here:

        async def watch() -> None:
            nonlocal most
            while True:
                most = max(most, *(here.gateway.dispatcher.in_flight(each.launch_id) for each in replicas))
                await asyncio.sleep(0.002)

        watching = asyncio.create_task(watch())
        answers = await asyncio.gather(
            *(here.client.chat.completions.create(model="echo", messages=QUESTION) for _ in range(12))
        )
        watching.cancel()
        assert [answer.choices[0].message.content for answer in answers] == ["one two three"] * 12
        assert (most, here.in_flight()) == (2, 0)


async def test_a_seat_that_becomes_free_is_given_at_once_and_comments_come_meanwhile(
    worker: EchoWorker, settings: Any
) -> None:
    settings.MODELYARD_KEEPALIVE_S = 0.05
    async with rig(model("echo", replace(worker.replica, capacity=1))) as here:
        async with here.http.post(CHAT, json=ENDLESS) as holding:
            await holding.content.readany()
            late = await here.http.post(CHAT, json=ASK | {"stream": True})
            assert await late.content.readuntil(b"\n\n") == b": waiting, place 1 in the queue\n\n"
        rest = await asyncio.wait_for(late.read(), 2)
        assert rest.endswith(b"data: [DONE]\n\n")
        assert b"three" in rest
        await eventually(lambda: here.in_flight() == 0)


async def test_too_late_and_too_many_are_told_so(worker: EchoWorker, settings: Any) -> None:
    settings.MODELYARD_QUEUE_TIMEOUT_S, settings.MODELYARD_MAX_WAITING = 0.4, 1
    async with one_seat(worker) as here:
        second = asyncio.create_task(here.http.post(CHAT, json=ASK))
        await eventually(lambda: len(waiting(here)) == 1)
        async with here.http.post(CHAT, json=ASK) as third:
            await assert_error_shape(third, 429, "queue_full")
            assert third.headers["Retry-After"] == "5"
        await assert_error_shape(await second, 503, "queue_timeout")


async def test_an_error_after_comments_is_an_event_and_the_stream_is_done(worker: EchoWorker, settings: Any) -> None:
    settings.MODELYARD_QUEUE_TIMEOUT_S, settings.MODELYARD_KEEPALIVE_S = 0.3, 0.05
    async with one_seat(worker) as here, here.http.post(CHAT, json=ASK | {"stream": True}) as late:
        body = await late.read()
    assert late.status == 200
    assert body.count(b"[DONE]") == 1
    assert b"queue_timeout" in body.split(b"\n\n")[-3]
    assert body.endswith(b"data: [DONE]\n\n")


async def test_a_client_that_leaves_the_line_makes_room(worker: EchoWorker, settings: Any) -> None:
    settings.MODELYARD_MAX_WAITING = 1
    async with one_seat(worker) as here:
        leaving = asyncio.create_task(here.http.post(CHAT, json=ASK))
        await eventually(lambda: len(waiting(here)) == 1)
        leaving.cancel()
        await eventually(lambda: not waiting(here), within=1)


async def test_when_the_model_is_stopped_those_who_wait_are_told_at_once(worker: EchoWorker) -> None:
    async with one_seat(worker) as here:
        second = asyncio.create_task(here.http.post(CHAT, json=ASK))
        await eventually(lambda: len(waiting(here)) == 1)
        here.gateway.update(snapshot(model("echo")))
        response = await asyncio.wait_for(second, 1)
        assert await assert_error_shape(response, 503, "model_not_ready") == "The model 'echo' is stopped."
        assert response.headers["Retry-After"] == "30"


async def test_while_another_replica_is_loading_those_who_wait_stay(worker: EchoWorker, settings: Any) -> None:
    settings.MODELYARD_KEEPALIVE_S = 0.05
    async with one_seat(worker) as here, here.http.post(CHAT, json=ASK | {"stream": True}) as second:
        await eventually(lambda: len(waiting(here)) == 1)
        here.gateway.update(snapshot(model("echo", status=Status(ServingState.LOADING, 40))))
        while await second.content.readuntil(b"\n\n") != b": waiting, the model is loading 40 %\n\n":
            continue
        here.gateway.update(snapshot(model("echo", worker.replica)))
        rest = await asyncio.wait_for(second.read(), 2)
    assert b"three" in rest
    assert rest.endswith(b"data: [DONE]\n\n")


async def test_whoever_waits_for_a_model_that_loads_for_too_long_is_told_what_it_does(
    worker: EchoWorker, settings: Any
) -> None:
    settings.MODELYARD_QUEUE_TIMEOUT_S = 0.3
    async with one_seat(worker) as here:
        second = asyncio.create_task(here.http.post(CHAT, json=ASK))
        await eventually(lambda: len(waiting(here)) == 1)
        here.gateway.update(snapshot(model("echo", status=Status(ServingState.LOADING, 40))))
        message = await assert_error_shape(await second, 503, "model_not_ready")
    assert message == "The model 'echo' is loading 40 %."


async def test_a_conversation_stays_with_its_replica(worker: EchoWorker, other_worker: EchoWorker) -> None:
    messages: list[Any] = list(QUESTION)
    async with rig(model("echo", worker.replica, other_worker.replica)) as here:
        before = worker.requests, other_worker.requests
        for _ in range(6):
            answer = await here.client.chat.completions.create(model="echo", messages=messages)
            messages += [{"role": "assistant", "content": answer.choices[0].message.content}, QUESTION[0]]
        grown = sorted((worker.requests - before[0], other_worker.requests - before[1]))
    assert grown == [0, 6]
