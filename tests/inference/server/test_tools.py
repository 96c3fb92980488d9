"""Calls of tools and forms of answers over real sockets, with an engine that says what it is told to."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from openai import AsyncOpenAI

Serve = Callable[..., Awaitable[Any]]
TOOL: Any = {"type": "function", "function": {"name": "weather", "parameters": {"properties": {"city": {}}}}}
CALL = '<tool_call>\n{"name": "weather", "arguments": {"city": "Rome"}}\n</tool_call>'
FORM = {"type": "json_object"}


def asking(text: str, **fields: Any) -> dict[str, Any]:
    return {"model": "echo", "messages": [{"role": "user", "content": text}], "tools": [TOOL], **fields}


async def completed(serve: Serve, body: dict[str, Any], tool_format: str = "hermes") -> Any:
    served = await serve({"tool_format": tool_format})
    async with AsyncOpenAI(base_url=f"{served.service.address}/v1", api_key="EMPTY", max_retries=0) as client:
        answer = await client.chat.completions.create(**body)
        return [chunk async for chunk in answer] if body.get("stream") else answer


async def test_a_call_in_the_text_becomes_a_call_of_the_answer(serve: Serve) -> None:
    answer = await completed(serve, asking(f"Let me see.\n{CALL}\n{CALL}"))
    choice = answer.choices[0]
    assert (choice.finish_reason, choice.message.content) == ("tool_calls", "Let me see.")
    calls = [(call.type, call.function.name, call.function.arguments) for call in choice.message.tool_calls]
    assert calls == [("function", "weather", '{"city": "Rome"}')] * 2
    assert choice.message.tool_calls[0].id != choice.message.tool_calls[1].id


async def test_an_answer_of_calls_alone_has_no_content(serve: Serve) -> None:
    answer = await completed(serve, asking(CALL, parallel_tool_calls=False))
    assert answer.choices[0].message.content is None
    assert len(answer.choices[0].message.tool_calls) == 1


@pytest.mark.parametrize(
    ("tool_format", "text", "said"),
    [("hermes", f"See: {CALL}", "See:"), ("llama3", '{"name": "weather", "parameters": {"city": "Rome"}}', "")],
)
async def test_a_stream_has_the_name_first_and_then_the_arguments_in_pieces(
    serve: Serve, tool_format: str, *, text: str, said: str
) -> None:
    choices = [chunk.choices[0] for chunk in await completed(serve, asking(text, stream=True), tool_format)]
    deltas = [choice.delta.tool_calls[0] for choice in choices if choice.delta.tool_calls]
    assert (deltas[0].index, deltas[0].type, deltas[0].function.name) == (0, "function", "weather")
    assert {(delta.id, delta.function.name) for delta in deltas[1:]} == {(None, None)}
    assert len(deltas) > 1
    assert "".join(delta.function.arguments for delta in deltas) == '{"city": "Rome"}'
    assert "".join(choice.delta.content or "" for choice in choices) == said
    assert choices[-1].finish_reason == "tool_calls"


async def test_what_is_held_back_at_the_end_comes_before_the_end(serve: Serve) -> None:
    stream = await completed(serve, asking("1 <tool", stream=True, logprobs=True))
    choices = [chunk.choices[0] for chunk in stream]
    assert "".join(choice.delta.content or "" for choice in choices) == "1 <tool"
    assert choices[-1].finish_reason == "stop"
    assert sum(len(choice.logprobs.content) for choice in choices if choice.logprobs) == 3


async def test_a_call_that_the_limit_cuts_ends_with_length(serve: Serve) -> None:
    answer = await completed(serve, asking(CALL, max_tokens=17))
    assert answer.choices[0].finish_reason == "length"
    assert answer.choices[0].message.tool_calls[0].function.arguments == '{"city":'


async def test_without_leave_to_call_the_text_stays_text(serve: Serve) -> None:
    answer = await completed(serve, asking(CALL, tool_choice="none"))
    assert (answer.choices[0].message.content, answer.choices[0].finish_reason) == (CALL, "stop")


REFUSED = [
    ({}, asking("Hi"), "tools", "takes no tools: its chat template has no place for them"),
    ({"tool_format": "hermes"}, asking("Hi", tool_choice="required"), "tools", "cannot hold its answers"),
    ({"tool_format": "hermes"}, asking("Hi", response_format=FORM), "tools", "cannot hold its answers"),
    ({"tool_format": "llama3"}, asking("Hi", response_format=FORM), "response_format", "cannot be combined"),
    ({}, asking("Hi", tools=[], response_format=FORM), "response_format", "cannot hold its answers"),
]


@pytest.mark.parametrize(("options", "body", "param", "sentence"), REFUSED)
async def test_what_the_model_cannot_do_is_a_bad_request(
    serve: Serve, options: dict[str, Any], body: dict[str, Any], *, param: str, sentence: str
) -> None:
    served = await serve(options)
    status, answer = await served.post("/v1/chat/completions", body)
    assert (status, answer["error"]["type"]) == (400, "invalid_request_error")
    assert sentence in answer["error"]["message"]
    assert answer["error"]["param"].startswith(param)


async def test_completions_have_forms_too(serve: Serve) -> None:
    served = await serve()
    body = {"model": "echo", "prompt": "Hi", "guided_regex": "a+"}
    status, answer = await served.post("/v1/completions", body)
    assert (status, answer["error"]["param"], answer["error"]["code"]) == (400, "guided_regex", "unsupported_format")
