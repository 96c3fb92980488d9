"""What clients of OpenAI's API count on: every endpoint by every name, and answers of the official shape."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from echo_worker import EchoWorker, echo_worker
from gateway_rig import QUESTION, Rig, model, rig
from official import assert_official

pytestmark = pytest.mark.processes

ALIAS = "text-embedding-ada-002"
REQUESTS: dict[str, dict[str, Any]] = {
    "/v1/chat/completions": {"messages": QUESTION},
    "/v1/completions": {"prompt": "one two"},
    "/v1/embeddings": {"input": "one two"},
    f"/v1/engines/{ALIAS}/embeddings": {"input": "one two", "model": "this one is not looked at"},
    "/tokenize": {"prompt": "one two"},
    "/detokenize": {"tokens": [7]},
}
CALL = '<tool_call>{"name":"add","arguments":{"a":1}}</tool_call>'
TOOLS = [{"type": "function", "function": {"name": "add", "parameters": {"type": "object"}}}]
CHATS: list[dict[str, Any]] = [
    {},
    {"n": 2, "seed": 1, "logprobs": True, "top_logprobs": 2},
    {"max_tokens": 1, "stream_options": {"include_usage": True}},
    {"messages": [{"role": "user", "content": CALL}], "tools": TOOLS, "stream_options": {"include_usage": True}},
    {
        "stop": ["two"],
        "service_tier": "auto",
        "stream_options": {"include_usage": True, "continuous_usage_stats": True},
    },
]
PROMPTS: list[dict[str, Any]] = [
    {},
    {"prompt": ["one two", "three"], "n": 2, "logprobs": 2},
    {"echo": True, "logprobs": 1, "stream_options": {"include_usage": True}},
]


@pytest.fixture(scope="module")
def quick() -> Iterator[EchoWorker]:
    """As fast as it can, and it takes tools."""
    with echo_worker(tool_format="hermes") as started:
        yield started


async def test_an_alias_works_on_every_endpoint(quick: EchoWorker) -> None:
    async with rig(model("echo", quick.replica, aliases=(ALIAS,))) as here:
        for path, body in REQUESTS.items():
            async with here.http.post(path, json={"model": ALIAS} | body) as response:
                assert response.status == 200, (path, await response.text())


@pytest.mark.parametrize("fields", CHATS)
async def test_chats_are_of_the_official_shape_whole_and_streamed(quick: EchoWorker, fields: dict[str, Any]) -> None:
    async with rig(model("echo", quick.replica)) as here:
        body = {"model": "echo", "messages": QUESTION} | fields
        options = body.pop("stream_options", None)
        whole = assert_official("chat", await posted(here, "/v1/chat/completions", body))
        asked = body | {"stream": True, "stream_options": options}
        chunks = [assert_official("chat_chunk", raw) for raw in await events(here, "/v1/chat/completions", asked)]
    assert {whole["service_tier"], *(chunk["service_tier"] for chunk in chunks)} == {"default"}
    assert {chunk["id"] for chunk in chunks} != {whole["id"]}
    assert len({(chunk["id"], chunk["created"], chunk["system_fingerprint"]) for chunk in chunks}) == 1
    ends = [choice["finish_reason"] for chunk in chunks for choice in chunk["choices"] if choice["finish_reason"]]
    assert ends == [choice["finish_reason"] for choice in whole["choices"]]


@pytest.mark.parametrize("fields", PROMPTS)
async def test_completions_are_of_the_official_shape(quick: EchoWorker, fields: dict[str, Any]) -> None:
    async with rig(model("echo", quick.replica)) as here:
        body = {"model": "echo", "prompt": "one two"} | fields
        options = body.pop("stream_options", None)
        whole = assert_official("completion", await posted(here, "/v1/completions", body))
        asked = body | {"stream": True, "stream_options": options}
        chunks = [assert_official("completion", raw) for raw in await events(here, "/v1/completions", asked)]
    spoken = {choice["index"]: "" for choice in whole["choices"]}
    for choice in (choice for chunk in chunks for choice in chunk["choices"]):
        spoken[choice["index"]] += choice["text"]
    assert list(spoken.values()) == [choice["text"] for choice in whole["choices"]]


async def test_the_other_answers_are_of_the_official_shape(quick: EchoWorker) -> None:
    async with rig(model("echo", quick.replica, aliases=(ALIAS,))) as here:
        for kind in ("float", "base64"):
            body = {"model": ALIAS, "input": ["one", "two"], "encoding_format": kind}
            assert_official("embeddings", await posted(here, "/v1/embeddings", body))
        for kind, path in (("models", "/v1/models"), ("model", f"/v1/models/{ALIAS}"), ("error", "/v1/models/nobody")):
            async with here.http.get(path) as response:
                assert_official(kind, await response.read())


async def posted(here: Rig, path: str, body: dict[str, Any]) -> bytes:
    async with here.http.post(path, json=body) as response:
        assert response.status == 200, await response.text()
        return await response.read()


async def events(here: Rig, path: str, body: dict[str, Any]) -> list[bytes]:
    """The chunks; the last event has to be [DONE]."""
    *found, done = [part.removeprefix(b"data: ") for part in (await posted(here, path, body)).split(b"\n\n") if part]
    assert done == b"[DONE]"
    return found


async def test_what_had_no_effect_is_named_in_a_header(quick: EchoWorker) -> None:
    async with rig(model("echo", quick.replica)) as here:
        for stream in (False, True):
            body = {"model": "echo", "messages": QUESTION, "stream": stream, "store": True, "invented": 1}
            async with here.http.post("/v1/chat/completions", json=body) as response:
                assert response.headers["X-Modelyard-Ignored-Fields"] == "invented, store"
