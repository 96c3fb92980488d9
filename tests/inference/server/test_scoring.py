"""Completions whose log probabilities matter: echo, the best of several, and what lm-evaluation-harness asks for."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from inference.engines.base import Delta, Prompt, SamplingParams, TokenLogprob
from inference.engines.echo import words

Serve = Callable[..., Awaitable[Any]]
PATH = "/v1/completions"


def events(raw: str) -> list[dict[str, Any]]:
    return [json.loads(line.removeprefix("data: ")) for line in raw.split("\n\n") if line.startswith("data: {")]


def score(choice: dict[str, Any], context: int) -> tuple[float, bool]:
    """As lm-evaluation-harness reads an answer: all tokens after the context, but not the one that was generated."""
    logprobs = choice["logprobs"]["token_logprobs"][context:-1]
    tops = choice["logprobs"]["top_logprobs"][context:-1]
    return sum(logprobs), all(one == max(top.values()) for one, top in zip(logprobs, tops, strict=True))


@pytest.mark.parametrize("max_tokens", [0, 1])
async def test_prompts_of_token_ids_are_scored_as_the_harness_wants_it(serve: Serve, max_tokens: int) -> None:
    prompts = [list(words.encode("a b c d")), list(words.encode("é f"))]
    body = {"prompt": prompts, "model": "echo", "temperature": 0, "max_tokens": max_tokens, "logprobs": 1, "seed": 1234}
    status, answer = await (await serve()).post(PATH, {**body, "echo": True})
    assert status == 200
    first, second = answer["choices"]
    assert first["text"] == "a b c d" + "a" * max_tokens
    assert first["logprobs"]["tokens"] == ["a", " b", " c", " d"] + ["a"] * max_tokens
    assert first["logprobs"]["token_logprobs"] == [None, -0.5, -0.5, -0.5] + [-0.5] * max_tokens
    assert first["logprobs"]["text_offset"] == [0, 1, 3, 5, 7][: 4 + max_tokens]
    assert first["logprobs"]["top_logprobs"][:2] == [None, {" b": -0.5}]
    assert second["logprobs"]["text_offset"] == [0, 1, 3][: 2 + max_tokens]
    assert answer["usage"]["completion_tokens"] == 2 * max_tokens
    assert first["finish_reason"] == "length"


async def test_a_continuation_is_scored_by_the_harness(serve: Serve) -> None:
    body = {"model": "echo", "prompt": "a b c d", "max_tokens": 1, "logprobs": 1, "echo": True}
    _, answer = await (await serve()).post(PATH, body)
    assert score(answer["choices"][0], 2) == (-1.0, True)


async def test_an_echo_comes_before_the_answer_also_in_a_stream(serve: Serve) -> None:
    served = await serve()
    body = {"model": "echo", "prompt": ["a b", "c"], "echo": True, "n": 2}
    _, whole = await served.post(PATH, body)
    assert [choice["text"] for choice in whole["choices"]] == ["a ba b", "a ba b", "cc", "cc"]
    async with served.client.post(PATH, json={**body, "stream": True}) as response:
        choices = [event["choices"][0] for event in events(await response.text())]
    assert ["".join(c["text"] for c in choices if c["index"] == index) for index in range(4)] == [
        choice["text"] for choice in whole["choices"]
    ]


async def test_a_streamed_echo_has_the_log_probabilities_of_the_prompt_and_the_same_offsets(serve: Serve) -> None:
    served = await serve()
    body = {"model": "echo", "prompt": "a b", "echo": True, "logprobs": 0}
    _, whole = await served.post(PATH, body)
    async with served.client.post(PATH, json={**body, "stream": True}) as response:
        pieces = [event["choices"][0]["logprobs"] for event in events(await response.text())]
    shown = [piece for piece in pieces if piece is not None]
    joined = {key: [item for piece in shown for item in piece[key]] for key in whole["choices"][0]["logprobs"]}
    assert joined == whole["choices"][0]["logprobs"]
    assert joined["token_logprobs"] == [None, -0.5, -0.5, -0.5, -0.5]


async def test_an_echo_alone_needs_no_log_probabilities(serve: Serve) -> None:
    served = await serve()
    for stream in (False, True):
        body = {"model": "echo", "prompt": "a b", "echo": True, "max_tokens": 0, "stream": stream}
        async with served.client.post(PATH, json=body) as response:
            text = await response.text()
        answers = events(text) if stream else [json.loads(text)]
        assert "".join(answer["choices"][0]["text"] for answer in answers) == "a b"
        assert answers[-1]["choices"][0]["finish_reason"] == "length"


async def test_the_likeliest_of_several_candidates_are_returned(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    served = await serve()

    async def by_seed(prompt: Prompt, sampling: SamplingParams, tally: object) -> AsyncIterator[Delta]:
        assert sampling.seed is not None
        scored = TokenLogprob(1, -float(sampling.seed % 3))
        yield Delta(f"seed {sampling.seed}", 1, "stop", (scored,))

    monkeypatch.setattr(served.service.loaded, "generate", by_seed)
    body = {"model": "echo", "prompt": "a", "n": 2, "best_of": 4, "seed": 4}
    _, answer = await served.post(PATH, body)
    choices = [(choice["index"], choice["text"], choice["logprobs"]) for choice in answer["choices"]]
    assert choices == [(0, "seed 6", None), (1, "seed 4", None)]
    assert answer["usage"]["completion_tokens"] == 4


async def test_a_prompts_own_log_probabilities_are_there_without_an_echo(serve: Serve) -> None:
    body = {"model": "echo", "prompt": ["a b", "c"], "prompt_logprobs": 1, "max_tokens": 1}
    _, answer = await (await serve()).post(PATH, body)
    first, second = (choice["prompt_logprobs"] for choice in answer["choices"])
    assert [entry["decoded_token"] for entry in first[1].values()] == [" b"]
    assert (first[0], second, answer["choices"][0]["text"]) == (None, [None], "a")
