"""The API as clients see it: a real server, real echo workers, the official client."""

from __future__ import annotations

import asyncio
import io
from typing import Any

import openai
import pytest
from echo_worker import EchoWorker
from error_shape import assert_error_shape
from gateway_rig import QUESTION, SECRET, Rig, eventually, model, rig

from registry.catalog import ServingState, Status

pytestmark = pytest.mark.processes

LOADING = Status(ServingState.LOADING, 40, "loading weights")
ENDLESS: dict[str, Any] = {"model": "echo", "messages": QUESTION, "extra_body": {"ignore_eos": True}}


async def test_a_chat_is_answered(worker: EchoWorker) -> None:
    async with rig(model("echo", worker.replica)) as here:
        answer = await here.client.chat.completions.create(model="echo", messages=QUESTION)
    assert answer.choices[0].message.content == "one two three"
    assert answer.usage is not None
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens


async def test_a_stream_arrives_word_by_word_and_untouched(worker: EchoWorker) -> None:
    async with rig(model("echo", worker.replica)) as here:
        options: Any = {"include_usage": True}
        stream = await here.client.chat.completions.create(
            model="echo", messages=QUESTION, stream=True, stream_options=options
        )
        chunks = [chunk async for chunk in stream]
    words = [chunk.choices[0].delta.content for chunk in chunks if chunk.choices and chunk.choices[0].delta.content]
    assert words == ["one", " two", " three"]
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.completion_tokens >= 3


async def test_completions_and_embeddings_are_answered(worker: EchoWorker) -> None:
    async with rig(model("echo", worker.replica)) as here:
        text = await here.client.completions.create(model="echo", prompt="one two")
        vectors = await here.client.embeddings.create(model="echo", input=["one", "two"])
    assert text.choices[0].text == "one two"
    assert [len(item.embedding) for item in vectors.data] == [384, 384]


async def test_log_probabilities_and_the_best_of_several_pass_through(worker: EchoWorker) -> None:
    async with rig(model("echo", worker.replica)) as here:
        chat = await here.client.chat.completions.create(
            model="echo", messages=QUESTION, logprobs=True, top_logprobs=2, logit_bias={"5": -100}
        )
        text = await here.client.completions.create(
            model="echo", prompt="one two", echo=True, logprobs=1, max_tokens=1, best_of=2
        )
    assert chat.choices[0].logprobs is not None
    assert text.choices[0].text == "one twoone"
    assert text.choices[0].logprobs is not None
    assert text.choices[0].logprobs.token_logprobs == [None, -0.5, -0.5]
    assert text.usage is not None
    assert text.usage.completion_tokens == 2


async def test_an_alias_is_answered_by_its_model(worker: EchoWorker) -> None:
    async with rig(model("echo", worker.replica, aliases=("gpt-3.5-turbo",))) as here:
        answer = await here.client.chat.completions.create(model="gpt-3.5-turbo", messages=QUESTION)
    assert answer.model == "echo"


async def test_models_and_aliases_are_listed_with_their_state(worker: EchoWorker) -> None:
    models = model("echo", worker.replica, aliases=("also",)), model("lab/big", status=LOADING)
    async with rig(*models) as here:
        listed = [card async for card in here.client.models.list()]
        alone = await here.client.models.retrieve("lab/big")
    assert [(card.id, card.owned_by) for card in listed] == [
        (name, "modelyard") for name in ("echo", "also", "lab/big")
    ]
    assert [card.to_dict()["state"] for card in listed] == ["ready", "ready", "loading"]
    assert alone.to_dict()["status"] == "lab/big is loading 40 %: loading weights."


async def test_a_key_is_a_bearer_token_and_nothing_else() -> None:
    async with rig() as here:
        for header in ("Bearer", "Bearer ", f"Basic {SECRET}", SECRET, f"Bearer {SECRET}x", "Bearer \xfc"):
            async with here.http.get("/v1/models", headers={"Authorization": header}) as response:
                await assert_error_shape(response, 401, "invalid_api_key")
                assert response.headers["WWW-Authenticate"] == "Bearer"


async def test_a_request_without_a_good_key_is_refused_before_its_body_is_read() -> None:
    async with rig() as here:
        body = io.BytesIO(b"x" * 5_000_000)
        async with here.http.post("/v1/embeddings", data=body, headers={"Authorization": "Bearer no"}) as response:
            await assert_error_shape(response, 401, "invalid_api_key")


@pytest.mark.parametrize("path", ["/v1", "/v1/", "/v1/responses", "/v1/chat", "/v1//models"])
async def test_what_is_not_there_is_404_in_the_envelope(path: str) -> None:
    async with rig() as here, here.http.post(path, json={}) as response:
        await assert_error_shape(response, 404, "not_found")


async def test_an_unknown_model_has_no_card() -> None:
    async with rig(model("echo")) as here, here.http.get("/v1/models/nobody/x") as response:
        message = await assert_error_shape(response, 404, "model_not_found")
    assert "This server has: echo." in message


async def test_the_workers_own_refusal_passes_through(worker: EchoWorker) -> None:
    async with rig(model("echo", worker.replica)) as here:
        with pytest.raises(openai.BadRequestError) as caught:
            await here.client.chat.completions.create(model="echo", messages=[{"role": "user", "content": "x " * 9000}])
    assert caught.value.code == "context_length_exceeded"


async def test_health_and_readiness_need_no_key() -> None:
    async with rig() as here:
        for path in ("/health", "/ready"):
            async with here.http.get(path, headers={"Authorization": ""}) as response:
                assert response.status == 200


async def test_a_client_that_leaves_stops_the_engine_within_a_second(worker: EchoWorker) -> None:
    async with rig(model("echo", worker.replica)) as here:
        stream = await here.client.chat.completions.create(**ENDLESS, stream=True)
        await anext(aiter(stream))
        assert (worker.running, here.in_flight()) == (1, 1)
        await stream.close()
        await eventually(lambda: worker.running == 0, within=1)
        await eventually(lambda: here.in_flight() == 0)


async def test_a_client_that_does_not_stream_stops_the_engine_too(worker: EchoWorker) -> None:
    async with rig(model("echo", worker.replica)) as here:
        asking = asyncio.create_task(here.client.chat.completions.create(**ENDLESS))
        await eventually(lambda: worker.running == 1)
        asking.cancel()
        await eventually(lambda: worker.running == 0, within=1)
        await eventually(lambda: here.in_flight() == 0)


async def test_many_requests_are_spread_over_the_replicas(worker: EchoWorker, other_worker: EchoWorker) -> None:
    async with rig(model("echo", worker.replica, other_worker.replica)) as here:
        before = worker.requests, other_worker.requests
        client = here.client
        await asyncio.gather(*(client.chat.completions.create(model="echo", messages=QUESTION) for _ in range(20)))
        after = worker.requests, other_worker.requests
    assert (after[0] - before[0], after[1] - before[1]) == (10, 10)


async def test_streams_of_many_clients_do_not_mix(worker: EchoWorker) -> None:
    async def ask(here: Rig, number: int) -> str:
        words: list[Any] = [{"role": "user", "content": f"client {number} says " * 5}]
        stream = await here.client.chat.completions.create(model="echo", messages=words, stream=True)
        return "".join([chunk.choices[0].delta.content or "" async for chunk in stream])

    async with rig(model("echo", worker.replica)) as here:
        texts = await asyncio.gather(*(ask(here, number) for number in range(30)))
    assert texts == [f"client {number} says " * 5 for number in range(30)]
