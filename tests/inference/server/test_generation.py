"""From a request to the choices that the engine shall make."""

from __future__ import annotations

from typing import Any

import pytest

from inference.engines.base import Prompt, SamplingParams
from inference.protocol.chat import ChatCompletionRequest
from inference.protocol.completions import CompletionRequest
from inference.server.generation import choice_specs, sampling_params

A, B = Prompt((1,)), Prompt((2,))


def test_choices_are_numbered_over_all_prompts() -> None:
    specs = choice_specs([A, B], SamplingParams(), n=2)
    assert [(spec.index, spec.prompt) for spec in specs] == [(0, A), (1, A), (2, B), (3, B)]


def test_each_choice_has_a_seed_of_its_own_and_the_first_has_the_given_one() -> None:
    specs = choice_specs([A], SamplingParams(seed=2**63 - 1), n=3)
    assert [spec.sampling.seed for spec in specs] == [2**63 - 1, -(2**63), -(2**63) + 1]
    assert {spec.sampling.seed for spec in choice_specs([A], SamplingParams(), n=3)} == {None}


def test_what_the_request_does_not_say_is_left_to_the_model() -> None:
    body = {"model": "m", "messages": [{"role": "user", "content": "x"}]}
    assert sampling_params(ChatCompletionRequest.parse(body)) == SamplingParams()


def test_what_the_request_says_reaches_the_engine() -> None:
    said = {
        "temperature": 0,
        "top_p": 0.5,
        "min_p": 0.1,
        "presence_penalty": 1,
        "frequency_penalty": -1,
        "repetition_penalty": 1.1,
        "seed": 7,
        "ignore_eos": True,
        "min_tokens": 2,
    }
    body = {"model": "m", "messages": [{"role": "user", "content": "x"}], **said}
    other = {"top_k": -1, "stop": "x", "max_tokens": 3, "include_stop_str_in_output": True}
    tokens = {"logit_bias": {"5": 1}, "stop_token_ids": [7], "logprobs": True, "top_logprobs": 4, "prompt_logprobs": 1}
    params = sampling_params(ChatCompletionRequest.parse({**body, **other, **tokens}))
    assert params == SamplingParams(
        top_k=0,
        stop=("x",),
        max_tokens=3,
        include_stop=True,
        logit_bias={5: 1.0},
        stop_token_ids=(7,),
        logprobs=4,
        prompt_logprobs=1,
        **said,  # type: ignore[arg-type]
    )


@pytest.mark.parametrize(
    ("fields", "generated", "prompt"),
    [
        ({}, None, None),
        ({"logprobs": 2}, 2, None),
        ({"echo": True}, None, None),
        ({"logprobs": 2, "echo": True}, 2, 2),
        ({"logprobs": 2, "echo": True, "prompt_logprobs": 5}, 2, 5),
        # To find the best ones, though the client sees none.
        ({"best_of": 2}, 0, None),
        ({"best_of": 2, "n": 2}, None, None),
    ],
)
def test_the_engine_is_asked_for_no_more_log_probabilities_than_are_needed(
    fields: dict[str, Any], generated: int | None, prompt: int | None
) -> None:
    params = sampling_params(CompletionRequest.parse({"model": "m", "prompt": "a", **fields}))
    assert (params.logprobs, params.prompt_logprobs) == (generated, prompt)
