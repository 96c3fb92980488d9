"""Embeddings over real sockets."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from openai import AsyncOpenAI

Serve = Callable[..., Awaitable[Any]]


async def test_the_official_client_reads_both_encodings_alike(serve: Serve) -> None:
    served = await serve({"dimensions": 8})
    async with AsyncOpenAI(base_url=f"{served.service.address}/v1", api_key="EMPTY") as client:
        # Its default is base64, which it decodes by itself.
        packed = await client.embeddings.create(model="echo", input=["a b", "c"])
        plain = await client.embeddings.create(model="echo", input=["a b", "c"], encoding_format="float")
    assert [item.index for item in packed.data] == [0, 1]
    assert packed.usage.prompt_tokens == 3
    for one, other in zip(packed.data, plain.data, strict=True):
        assert one.embedding == pytest.approx(other.embedding, abs=1e-6)


async def test_equal_texts_have_equal_vectors_and_token_ids_count_as_text(serve: Serve) -> None:
    served = await serve()
    _, body = await served.post("/v1/embeddings", {"model": "echo", "input": ["a", "b", "a"]})
    first, second, third = (item["embedding"] for item in body["data"])
    assert first == third != second
    status, body = await served.post("/v1/embeddings", {"model": "echo", "input": [1, 2, 3]})
    assert (status, len(body["data"]), body["usage"]["total_tokens"]) == (200, 1, 3)


async def test_fewer_dimensions_are_a_shorter_vector_of_length_one(serve: Serve) -> None:
    served = await serve({"dimensions": 8})
    _, body = await served.post("/v1/embeddings", {"model": "echo", "input": "a", "dimensions": 3})
    vector = body["data"][0]["embedding"]
    assert len(vector) == 3
    assert math.hypot(*vector) == pytest.approx(1.0)


async def test_more_dimensions_than_there_are_is_a_bad_request(serve: Serve) -> None:
    served = await serve({"dimensions": 8})
    status, body = await served.post("/v1/embeddings", {"model": "echo", "input": "a", "dimensions": 9})
    assert (status, body["error"]["param"]) == (400, "dimensions")
    assert "at most 8" in body["error"]["message"]


@pytest.mark.parametrize(
    ("able", "path", "usable"),
    [
        ("embeddings", "/v1/chat/completions", "/v1/embeddings"),
        ("embeddings", "/v1/completions", "/v1/embeddings"),
        ("chat", "/v1/embeddings", "/v1/chat/completions"),
    ],
)
async def test_a_model_that_cannot_do_it_names_the_endpoint_to_use(
    serve: Serve, able: str, path: str, usable: str
) -> None:
    served = await serve({"capabilities": [able]})
    asked = {"input": "a", "prompt": "a", "messages": [{"role": "user", "content": "a"}]}
    status, body = await served.post(path, {"model": "echo", **asked})
    assert (status, body["error"]["code"], body["error"]["param"]) == (400, "wrong_endpoint", "model")
    assert body["error"]["message"].endswith(f"Use {usable}.")


async def test_more_texts_than_openai_takes_are_a_bad_request(serve: Serve) -> None:
    served = await serve()
    status, body = await served.post("/v1/embeddings", {"model": "echo", "input": ["a"] * 2049})
    assert (status, body["error"]["param"]) == (400, "input")
    assert "at most 2048 items, not 2049" in body["error"]["message"]
