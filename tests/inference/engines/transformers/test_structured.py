"""Answers of the real model that are held to a form, and calls of tools, over HTTP."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from chat_templates import QWEN

from inference.engines.base import EngineConfig
from inference.engines.transformers.engine import TransformersEngine

pytestmark = pytest.mark.torch
Ask = Callable[..., Awaitable[Any]]

PERSON = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "maxLength": 12},
        "age": {"type": "integer", "minimum": 0, "maximum": 120},
        "mood": {"enum": ["glad", "sad"]},
    },
    "required": ["name", "age", "mood"],
    "additionalProperties": False,
}
FORM = {"type": "json_schema", "json_schema": {"name": "person", "schema": PERSON}}
CITY = {"type": "object", "properties": {"city": {"enum": ["Paris", "Rome"]}}, "required": ["city"]}
TOOLS = [
    {"type": "function", "function": {"name": name, "parameters": {**CITY, "additionalProperties": False}}}
    for name in ("get_weather", "get_time")
]


@pytest.fixture(scope="module")
def caller(smollm2_path: Path, cache_dir: Path) -> Iterator[TransformersEngine]:
    """The demo model was taught no tools; with this template it is shown some."""
    engine = TransformersEngine(EngineConfig(smollm2_path, "echo", cache_dir, {"chat_template": QWEN}))
    engine.load(lambda progress: None)
    yield engine
    engine.close()


@pytest.fixture
async def ask(serve: Callable[..., Awaitable[Any]], caller: TransformersEngine) -> Ask:
    served = await serve(ready=False)
    served.service.loaded = caller
    served.service.lifecycle.ready()

    async def post(text: str, **fields: Any) -> Any:
        body = {"model": "echo", "messages": [{"role": "user", "content": text}], "max_tokens": 60, **fields}
        async with served.client.post("/v1/chat/completions", json=body) as response:
            return await (response.text() if fields.get("stream") and response.status == 200 else response.json())

    return post


def content(answer: Any) -> str:
    return str(answer["choices"][0]["message"]["content"])


async def test_answers_follow_their_schemas_in_one_batch_with_free_ones(ask: Ask) -> None:
    asks = [ask("Describe a person.", response_format=FORM, temperature=1.3, seed=seed) for seed in range(3)]
    *held, free = await asyncio.gather(*asks, ask("Say hello.", temperature=0.0, max_tokens=8))
    for answer in held:
        person = json.loads(content(answer))
        assert list(person) == ["name", "age", "mood"]
        assert len(person["name"]) <= 12
        assert person["age"] in range(121)
        assert person["mood"] in {"glad", "sad"}
        assert answer["choices"][0]["finish_reason"] == "stop"
    assert content(free) == content(await ask("Say hello.", temperature=0.0, max_tokens=8))


async def test_an_answer_may_have_to_match_an_expression_or_be_one_of_several(ask: Ask) -> None:
    date = await ask("When?", response_format={"type": "regex", "regex": r"[12]\d{3}-[01]\d"}, temperature=1.5)
    assert re.fullmatch(r"[12][0-9]{3}-[01][0-9]", content(date))
    assert content(await ask("Yes or no?", guided_choice=["perhaps", "never"])) in {"perhaps", "never"}


async def test_a_limit_cuts_an_answer_in_its_form(ask: Ask) -> None:
    answer = await ask("Describe a person.", response_format=FORM, max_tokens=3)
    assert answer["choices"][0]["finish_reason"] == "length"
    assert content(answer).startswith("{")


async def test_a_form_that_becomes_too_complex_on_the_way_is_the_requests_fault(ask: Ask) -> None:
    endless = {"type": "regex", "regex": "((((a{1,100}){1,100}){1,100}){1,100})"}
    answer = await ask("Say a.", response_format=endless, logit_bias={"2": -100}, temperature=0.0)
    assert answer["error"]["type"] == "invalid_request_error"
    assert answer["error"]["message"].startswith("The answer cannot go on: no token is left that may come next")


async def test_the_model_calls_a_tool_when_it_has_to_and_the_stream_says_the_same(ask: Ask) -> None:
    fields = {"tools": TOOLS, "tool_choice": "required", "parallel_tool_calls": False, "seed": 3}
    whole = (await ask("What is the weather in Paris?", **fields))["choices"][0]
    (call,) = whole["message"]["tool_calls"]
    assert whole["finish_reason"] == "tool_calls"
    assert whole["message"]["content"] is None
    assert call["function"]["name"] in {"get_weather", "get_time"}
    assert json.loads(call["function"]["arguments"])["city"] in {"Paris", "Rome"}
    lines = (await ask("What is the weather in Paris?", stream=True, **fields)).split("\n\n")
    chunks = [json.loads(line.removeprefix("data: "))["choices"][0] for line in lines if "choices" in line]
    pieces = [piece for chunk in chunks for piece in chunk["delta"].get("tool_calls", [])]
    assert pieces[0]["function"]["name"] == call["function"]["name"]
    assert "".join(piece["function"]["arguments"] for piece in pieces) == call["function"]["arguments"]


async def test_one_tool_may_be_named(ask: Ask) -> None:
    named = {"type": "function", "function": {"name": "get_time"}}
    answer = await ask("What is the weather in Rome?", tools=TOOLS, tool_choice=named, temperature=1.2)
    (call,) = answer["choices"][0]["message"]["tool_calls"]
    assert call["function"]["name"] == "get_time"


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("fields", "param"),
    [
        (
            {"response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": {"not": {}}}}},
            "response_format.json_schema.schema",
        ),
        (
            {
                "tools": [*TOOLS, {"type": "function", "function": {"name": "f", "parameters": {"not": {}}}}],
                "tool_choice": "required",
            },
            "tools[2].function.parameters",
        ),
    ],
)
async def test_a_schema_that_cannot_be_honoured_is_a_bad_request(
    ask: Ask, fields: dict[str, Any], param: str, *, stream: bool
) -> None:
    error = (await ask("Hi", stream=stream, **fields))["error"]
    assert (error["param"], error["code"]) == (param, "unsupported_format")
    assert error["message"] == f"'{param}' cannot be honoured: Unimplemented keys: [\"not\"]."
