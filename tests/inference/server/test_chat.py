"""Chat completions over real sockets."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import pytest
from openai import AsyncOpenAI, BadRequestError, NotFoundError
from openai.types.chat import ChatCompletionMessageParam

Serve = Callable[..., Awaitable[Any]]
QUESTION: list[ChatCompletionMessageParam] = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "one two three"},
]


def official_client(served: Any) -> AsyncOpenAI:
    return AsyncOpenAI(base_url=f"{served.service.address}/v1", api_key="EMPTY", max_retries=0)


async def test_the_official_client_gets_a_whole_answer(serve: Serve) -> None:
    async with official_client(await serve()) as client:
        answer = await client.chat.completions.create(model="echo", messages=QUESTION)
    assert answer.choices[0].message.content == "one two three"
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage is not None
    # Two roles, five words in; three words and the stop token out.
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (7, 4)


async def test_the_official_client_gets_a_stream_that_begins_with_the_role_and_ends_with_usage(serve: Serve) -> None:
    async with official_client(await serve()) as client:
        stream = await client.chat.completions.create(
            model="echo", messages=QUESTION, stream=True, stream_options={"include_usage": True}
        )
        chunks = [chunk async for chunk in stream]
    assert chunks[0].choices[0].delta.role == "assistant"
    assert [c.choices[0].delta.content for c in chunks[1:4]] == ["one", " two", " three"]
    assert chunks[4].choices[0].finish_reason == "stop"
    assert chunks[5].usage is not None
    assert chunks[5].usage.completion_tokens == 4


async def test_the_role_comes_before_the_first_token_is_made(serve: Serve) -> None:
    served = await serve({"hang_after_tokens": 0})
    async with official_client(served) as client:
        stream = await client.chat.completions.create(model="echo", messages=QUESTION, stream=True)
        first = await anext(aiter(stream))
        await stream.close()
    assert first.choices[0].delta.role == "assistant"


async def test_several_choices_stream_interleaved_with_their_indexes(serve: Serve) -> None:
    served = await serve({"token_delay_ms": 5})
    async with official_client(served) as client:
        stream = await client.chat.completions.create(model="echo", messages=QUESTION, stream=True, n=3)
        deltas = [(c.choices[0].index, c.choices[0].delta.content) async for c in stream]
    texts = {i: "".join(text or "" for index, text in deltas if index == i) for i in range(3)}
    assert texts == dict.fromkeys(range(3), "one two three")
    words = [index for index, text in deltas if text]
    # Each begins before any of them ends.
    assert max(map(words.index, range(3))) < min(len(words) - words[::-1].index(i) - 1 for i in range(3))


async def test_max_tokens_and_stop_end_an_answer(serve: Serve) -> None:
    async with official_client(await serve()) as client:
        short = await client.chat.completions.create(model="echo", messages=QUESTION, max_tokens=2)
        stopped = await client.chat.completions.create(model="echo", messages=QUESTION, stop=["o th"])
    assert (short.choices[0].message.content, short.choices[0].finish_reason) == ("one two", "length")
    assert (stopped.choices[0].message.content, stopped.choices[0].finish_reason) == ("one tw", "stop")


async def test_the_stop_string_that_ended_an_answer_is_named_whole_and_streamed(serve: Serve) -> None:
    async with official_client(await serve()) as client:
        whole = await client.chat.completions.create(model="echo", messages=QUESTION, stop=["o th"])
        stream = await client.chat.completions.create(model="echo", messages=QUESTION, stop=["o th"], stream=True)
        last = [chunk async for chunk in stream][-1]
    assert whole.choices[0].model_extra == last.choices[0].model_extra == {"stop_reason": "o th"}


async def test_the_official_client_gets_log_probabilities_whole_and_streamed(serve: Serve) -> None:
    async with official_client(await serve()) as client:
        asked: dict[str, Any] = {"model": "echo", "messages": QUESTION, "logprobs": True, "top_logprobs": 2}
        whole = (await client.chat.completions.create(**asked)).choices[0].logprobs
        chunks = [chunk.choices[0] async for chunk in await client.chat.completions.create(**asked, stream=True)]
    assert whole is not None
    assert whole.content is not None
    # The stop token has one too.
    assert [(entry.token, entry.logprob, len(entry.top_logprobs)) for entry in whole.content] == [
        (word, -0.5, 2) for word in ("one", " two", " three", "<end>")
    ]
    streamed = [chunk.logprobs.content for chunk in chunks if chunk.logprobs is not None]
    assert [entry for entries in streamed for entry in entries or ()] == whole.content


async def test_a_chunk_has_the_log_probabilities_of_text_that_is_held_back(serve: Serve) -> None:
    async with official_client(await serve()) as client:
        stream = await client.chat.completions.create(
            model="echo", messages=QUESTION, logprobs=True, stop=[" two and"], stream=True
        )
        choices = [chunk.choices[0] async for chunk in stream]
    scored = [(c.delta.content, [entry.token for entry in c.logprobs.content or ()]) for c in choices if c.logprobs]
    assert scored == [("one", ["one"]), ("", [" two"]), (" two three", [" three"]), ("", ["<end>"])]


async def test_every_chunk_counts_when_that_is_asked_for(serve: Serve) -> None:
    body = {"stream": True, "stream_options": {"include_usage": True, "continuous_usage_stats": True}}
    served = await serve()
    async with served.client.post("/v1/chat/completions", json={**served.hello, **body}) as response:
        lines = (await response.text()).split("\n\n")
    counts = [json.loads(line.removeprefix("data: "))["usage"] for line in lines if line.startswith("data: {")]
    assert [usage and usage["completion_tokens"] for usage in counts] == [None, 1, 2, 3, 4, 4]
    assert counts[1]["prompt_tokens"] == 4


async def test_a_chats_prompt_is_scored_once_for_all_its_choices(serve: Serve) -> None:
    served = await serve()
    _, body = await served.post("/v1/chat/completions", {**served.hello, "n": 2, "prompt_logprobs": 0})
    first, *rest = body["prompt_logprobs"]
    assert first is None
    assert [entry["decoded_token"] for entries in rest for entry in entries.values()] == ["one", " two", " three"]
    assert body["usage"]["prompt_tokens"] == 4
    assert body["usage"]["prompt_tokens_details"]["cached_tokens"] == 0


@pytest.mark.parametrize("stream", [False, True])
async def test_a_prompt_beyond_the_context_is_a_bad_request_also_when_streaming(serve: Serve, stream: bool) -> None:
    async with official_client(await serve({"context_length": 4})) as client:
        with pytest.raises(BadRequestError, match="context holds 4") as caught:
            await client.chat.completions.create(model="echo", messages=QUESTION, stream=stream)
    assert caught.value.code == "context_length_exceeded"


async def test_only_the_served_name_is_accepted(serve: Serve) -> None:
    async with official_client(await serve()) as client:
        with pytest.raises(NotFoundError) as caught:
            await client.chat.completions.create(model="gpt-4", messages=QUESTION)
    assert caught.value.code == "model_not_found"


async def test_a_model_of_ours_says_that_it_reads_no_images(serve: Serve) -> None:
    served = await serve()
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}
    body = {"model": "echo", "messages": [{"role": "user", "content": [image]}]}
    for path in ("/v1/chat/completions", "/tokenize"):
        status, answer = await served.post(path, body)
        assert (status, answer["error"]["param"]) == (400, "messages[0].content[0].type")
        assert "reads text only" in answer["error"]["message"]


async def test_a_model_for_embeddings_names_the_endpoint_to_use(serve: Serve) -> None:
    served = await serve({"capabilities": ["embeddings"]})
    status, body = await served.post("/v1/chat/completions", served.hello)
    assert (status, body["error"]["code"]) == (400, "wrong_endpoint")
    assert "/v1/embeddings" in body["error"]["message"]


async def test_an_error_after_the_first_byte_is_an_event_before_the_end(serve: Serve) -> None:
    served = await serve({"hang_after_tokens": 1})
    async with served.client.post("/v1/chat/completions", json={**served.hello, "stream": True}) as response:
        await served.until(lambda stats: stats["engine"]["running"] == 1)
        served.service.loaded.close()
        text = await response.text()
    assert response.status == 200
    *_, error, done = [line for line in text.splitlines() if line]
    assert '"code":"engine_closed"' in error
    assert done == "data: [DONE]"


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("options", [{"token_delay_ms": 5}, {"hang_after_tokens": 0}])
async def test_a_client_that_leaves_frees_the_engine(serve: Serve, stream: bool, options: dict[str, Any]) -> None:
    served = await serve(options)
    body = {**served.hello, "stream": stream, "ignore_eos": True, "n": 2}
    async with aiohttp.ClientSession(served.service.address) as leaving:
        request = asyncio.create_task(leaving.post("/v1/chat/completions", json=body))
        await served.until(lambda stats: stats["engine"]["running"] == 2)
        request.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            (await request).close()  # a stream's answer has begun already
    left = time.monotonic()
    stats = await served.until(lambda stats: stats["in_flight"] == 0)
    assert time.monotonic() - left < 1
    assert (stats["engine"]["running"], stats["engine"]["aborted_total"]) == (0, 2)


async def test_requests_at_once_do_not_mix(serve: Serve) -> None:
    served = await serve({"token_delay_ms": 1})
    async with official_client(served) as client:
        asks = [
            client.chat.completions.create(model="echo", messages=[{"role": "user", "content": f"a{i} b{i} c{i}"}])
            for i in range(20)
        ]
        answers = await asyncio.gather(*asks)
    assert [answer.choices[0].message.content for answer in answers] == [f"a{i} b{i} c{i}" for i in range(20)]
