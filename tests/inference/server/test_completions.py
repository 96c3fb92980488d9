"""Completions over real sockets."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

from openai import AsyncOpenAI

Serve = Callable[..., Awaitable[Any]]


async def test_each_prompt_has_its_choices_in_order(serve: Serve) -> None:
    served = await serve()
    async with AsyncOpenAI(base_url=f"{served.service.address}/v1", api_key="EMPTY") as client:
        answer = await client.completions.create(model="echo", prompt=["a b", "c"], n=2)
    assert [(choice.index, choice.text) for choice in answer.choices] == [(0, "a b"), (1, "a b"), (2, "c"), (3, "c")]
    assert answer.usage is not None
    assert answer.usage.prompt_tokens == 3


async def test_prompts_stream_together_each_under_its_index(serve: Serve) -> None:
    served = await serve({"token_delay_ms": 2})
    async with AsyncOpenAI(base_url=f"{served.service.address}/v1", api_key="EMPTY") as client:
        stream = await client.completions.create(model="echo", prompt=["a b", "c d"], stream=True)
        deltas = [(chunk.choices[0].index, chunk.choices[0].text) async for chunk in stream]
    assert "".join(text for index, text in deltas if index == 0) == "a b"
    assert "".join(text for index, text in deltas if index == 1) == "c d"


async def test_prompts_of_token_ids_are_taken_as_they_are(serve: Serve) -> None:
    served = await serve()
    status, body = await served.post("/v1/completions", {"model": "echo", "prompt": [[300, 301], [302]]})
    assert status == 200
    assert [choice["text"] for choice in body["choices"]] == [" 300 301", " 302"]


async def test_sixteen_tokens_are_the_default(serve: Serve) -> None:
    served = await serve()
    _, body = await served.post("/v1/completions", {"model": "echo", "prompt": "a", "ignore_eos": True})
    assert body["choices"][0]["finish_reason"] == "length"
    assert body["usage"]["completion_tokens"] == 16


async def test_the_default_limit_never_makes_a_prompt_too_long(serve: Serve) -> None:
    served = await serve({"context_length": 5})
    body = {"model": "echo", "prompt": "a b", "ignore_eos": True}
    status, answer = await served.post("/v1/completions", body)
    assert (status, answer["usage"]["completion_tokens"]) == (200, 3)
    status, answer = await served.post("/v1/completions", {**body, "max_tokens": 4})
    assert (status, answer["error"]["param"]) == (400, "max_tokens")


async def test_one_prompt_too_long_ends_the_stream_of_all_before_it_began(serve: Serve) -> None:
    served = await serve({"context_length": 4})
    body = {"model": "echo", "prompt": ["a", "b c d e f g"], "stream": True}
    async with served.client.post("/v1/completions", json=body) as response:
        assert response.status == 400
        assert json.loads(await response.read())["error"]["code"] == "context_length_exceeded"
    assert (await served.stats())["engine"]["running"] == 0


async def test_a_request_with_many_prompts_leaves_room_in_the_engine_for_others(serve: Serve) -> None:
    served = await serve({"token_delay_ms": 20})
    body = {"model": "echo", "prompt": [f"prompt {index}" for index in range(150)], "max_tokens": 2}
    asking = asyncio.create_task(served.post("/v1/completions", body))
    stats = await served.until(lambda stats: stats["engine"]["running"] > 0)
    most = stats["engine"]["running"]
    while not asking.done():
        most = max(most, (await served.stats())["engine"]["running"])
    status, answer = await asking
    assert status == 200
    assert most <= 64
    assert [choice["text"] for choice in answer["choices"]] == body["prompt"]
