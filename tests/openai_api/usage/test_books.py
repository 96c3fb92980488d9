"""Every call leaves one row, and what it says is what the engine counted."""

from __future__ import annotations

import uuid
from typing import Any

import orjson
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from echo_worker import EchoWorker, echo_worker
from gateway_rig import QUESTION, Rig, eventually, model, rig

from inference.protocol.errors import TooManyRequests
from inference.server.failures import respond
from openai_api.call import Call
from openai_api.caller import Caller
from registry.catalog import Replica

ASK: dict[str, Any] = {"model": "echo", "messages": QUESTION}


class Ledger:
    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []

    def note(self, line: bytes) -> None:
        self.rows.append(orjson.loads(line))


def kept(gateway: Rig) -> list[dict[str, Any]]:
    gateway.gateway.books.ledger = ledger = Ledger()
    return ledger.rows


async def test_the_row_of_an_aborted_stream_says_what_the_engine_says() -> None:
    with echo_worker(token_delay_ms=5) as worker:
        async with rig(model("echo", worker.replica)) as gateway:
            rows = kept(gateway)
            stream = await gateway.client.chat.completions.create(
                model="echo", messages=QUESTION, stream=True, max_tokens=4000, extra_body={"ignore_eos": True}
            )
            async for _, _chunk in aenumerate(stream, 6):
                pass
            await stream.close()
            await eventually(lambda: rows)
        [row] = rows
        assert row["completion_tokens"] == worker.stats()["engine"]["tokens_total"] >= 5
    assert (row["status"], row["finish"], row["exact"], row["prompt_tokens"]) == (499, "aborted", True, 4)


async def test_whole_answers_streams_embeddings_and_errors_leave_a_row_each(worker: EchoWorker) -> None:
    async with rig(model("echo", worker.replica)) as gateway:
        rows = kept(gateway)
        body = {"model": "echo", "messages": QUESTION}
        for more in ({}, {"stream": True, "n": 2}, {"max_tokens": 1}, {"max_tokens": 5000}):
            async with gateway.http.post("/v1/chat/completions", json=body | more) as response:
                text = await response.read()
                assert b"modelyard" not in text
        await gateway.client.embeddings.create(model="echo", input="one two")
        async with gateway.http.post("/v1/chat/completions", json=body | {"model": "no"}) as response:
            assert response.status == 404
        await eventually(lambda: len(rows) == 5)
    facts = [(row["status"], row["finish"], row["completion_tokens"], row["exact"]) for row in rows]
    assert facts[:3] == [(200, "stop", 4, True), (200, "stop", 8, True), (200, "length", 1, True)]
    assert facts[3][:2] == (400, "error")
    assert (rows[4]["endpoint"], rows[4]["prompt_tokens"]) == ("embeddings", 2)
    assert {row["username"] for row in rows} == {"anna"}


async def test_who_is_refused_at_the_door_leaves_no_row_and_whom_a_replica_had_leaves_one(settings: Any) -> None:
    settings.MODELYARD_MAX_WAITING = 0

    async def full(request: web.Request) -> web.StreamResponse:
        return respond(TooManyRequests("Too many wait.", code="engine_overloaded"))

    app = web.Application()
    app.router.add_post("/v1/chat/completions", full)
    async with TestServer(app) as server:
        replica = Replica(uuid.uuid4(), f"http://127.0.0.1:{server.port}", ("chat",))
        async with rig(model("echo", replica)) as gateway:
            rows = kept(gateway)
            for _ in range(3):
                async with gateway.http.post("/v1/chat/completions", json=ASK) as response:
                    assert response.status == 429
            await eventually(lambda: rows)
            figures = gateway.gateway.books.metrics.text(gateway.gateway.board.catalog).decode()
    assert [(row["status"], row["error"], row["launch_id"]) for row in rows] == [
        (429, "queue_full", str(replica.launch_id))
    ]
    assert 'modelyard_requests_total{endpoint="chat",model="echo",status="429"} 3.0' in figures


async def test_a_bug_in_the_middle_of_an_answer_is_an_error_in_its_row(worker: EchoWorker) -> None:
    async with rig(model("echo", worker.replica)) as here:
        rows = kept(here)
        call = here.gateway.call("chat", ASK | {"stream": True}, caller=Caller(), request_id="r")
        with pytest.raises(LookupError):
            await stumble(here, call)
        await eventually(lambda: rows)
    [row] = rows
    assert (row["status"], row["finish"], row["error"]) == (500, "error", "internal_error")
    assert (row["prompt_tokens"], row["exact"]) == (4, True)


@pytest.mark.parametrize("path", ["/tokenize", "/detokenize"])
async def test_who_asks_for_tokens_only_is_counted_and_leaves_no_row(path: str, worker: EchoWorker) -> None:
    async with rig(model("echo", worker.replica)) as gateway:
        rows = kept(gateway)
        body = {"model": "echo", "prompt": "one two"} if path == "/tokenize" else {"model": "echo", "tokens": [1]}
        async with gateway.http.post(path, json=body) as response:
            assert response.status == 200, await response.text()
        figures = gateway.gateway.books.metrics.text(gateway.gateway.board.catalog).decode()
    assert f'modelyard_requests_total{{endpoint="{path[1:]}",model="echo",status="200"}} 1.0' in figures
    assert rows == []


async def stumble(here: Rig, call: Call) -> None:
    async with here.gateway.answer(call) as answer:
        await anext(aiter(answer.chunks))
        raise LookupError


async def aenumerate(stream: Any, count: int) -> Any:
    number = 0
    async for chunk in stream:
        number += 1
        yield number, chunk
        if number >= count:
            return
