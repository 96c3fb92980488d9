"""The fields that say how tokens are chosen, and what of their probabilities is told."""

from __future__ import annotations

from typing import Any

import pytest

from inference.protocol.chat import ChatCompletionRequest
from inference.protocol.completions import CompletionRequest
from inference.protocol.errors import BadRequest
from inference.protocol.requests import GenerationRequest


def chat(**fields: Any) -> dict[str, Any]:
    return {"model": "m", "messages": [{"role": "user", "content": "Hello"}], **fields}


def text(**fields: Any) -> dict[str, Any]:
    return {"model": "m", "prompt": "a", **fields}


BAD_CHATS = [
    (chat(logit_bias=[5]), "logit_bias", "must be an object with a number for each token id, not an array"),
    (chat(logit_bias={"the": 1}), "logit_bias", "must have token ids as its keys, not 'the'"),
    (chat(logit_bias={"-1": 1}), "logit_bias", "must have token ids as its keys, not '-1'"),
    (chat(logit_bias={"7": "x"}), "logit_bias.7", "must be a number, not a string"),
    (chat(logit_bias={"7": True}), "logit_bias.7", "must be a number, not a boolean"),
    (chat(logit_bias={"7": 100.5}), "logit_bias.7", "must be between -100 and 100, not 100.5"),
    (chat(stop_token_ids=7), "stop_token_ids", "must be an array of token ids, not an integer"),
    (chat(stop_token_ids=[7, "a"]), "stop_token_ids[1]", "must be a token id, not a string"),
    (chat(stop_token_ids=[-7]), "stop_token_ids[0]", "must be at least 0, not -7"),
    (chat(include_stop_str_in_output=1), "include_stop_str_in_output", "must be a boolean, not an integer"),
    (chat(min_tokens=-1), "min_tokens", "must be at least 0, not -1"),
    (chat(min_tokens=6, max_tokens=9, max_completion_tokens=5), "min_tokens", "must be at most the limit of tokens"),
    (chat(logprobs=1), "logprobs", "must be a boolean, not an integer"),
    (chat(top_logprobs=2), "top_logprobs", "is only allowed when 'logprobs' is true"),
    (chat(logprobs=True, top_logprobs=21), "top_logprobs", "must be at most 20, not 21"),
    (chat(prompt_logprobs=-1), "prompt_logprobs", "must be at least 0, not -1"),
    (chat(prompt_logprobs=0, stream=True), "prompt_logprobs", "is not available when 'stream' is true"),
]

BAD_COMPLETIONS = [
    (text(n=2, best_of=1), "best_of", "must be at least n, which is 2"),
    (text(best_of=129), "best_of", "must be at most 128, not 129"),
    (text(best_of=2, stream=True), "best_of", "must not be greater than n when 'stream' is true"),
    (text(logprobs=21), "logprobs", "must be at most 20, not 21"),
    (text(logprobs=True), "logprobs", "must be an integer, not a boolean"),
    (text(echo=1), "echo", "must be a boolean, not an integer"),
    (text(max_tokens=0), "max_tokens", "must be at least 1 without 'echo' or 'prompt_logprobs', not 0"),
    (text(max_tokens=-1, echo=True), "max_tokens", "must be at least 0, not -1"),
    (text(min_tokens=17), "min_tokens", "must be at most the limit of tokens, which is 16"),
]

BAD = [
    *((ChatCompletionRequest, *case) for case in BAD_CHATS),
    *((CompletionRequest, *case) for case in BAD_COMPLETIONS),
]


@pytest.mark.parametrize(("request_type", "body", "param", "sentence"), BAD)
def test_a_bad_field_is_named_and_explained(
    request_type: type[GenerationRequest], body: dict[str, Any], *, param: str, sentence: str
) -> None:
    with pytest.raises(BadRequest) as caught:
        request_type.parse(body)
    assert caught.value.param == param
    assert caught.value.message.startswith(f"'{param}' {sentence}")
    assert caught.value.message.endswith(".")


def test_fields_of_sampling_are_read_as_clients_write_them() -> None:
    request = ChatCompletionRequest.parse(chat(logit_bias={"50256": -100, "7": 0.5}, stop_token_ids=[2, 3]))
    assert request.logit_bias == {50256: -100.0, 7: 0.5}
    assert request.stop_token_ids == (2, 3)


@pytest.mark.parametrize(
    ("request_type", "body", "tops"),
    [
        (ChatCompletionRequest, chat(), None),
        (ChatCompletionRequest, chat(logprobs=True), 0),
        (ChatCompletionRequest, chat(logprobs=True, top_logprobs=3), 3),
        (CompletionRequest, text(), None),
        (CompletionRequest, text(logprobs=0), 0),
        (CompletionRequest, text(logprobs=3), 3),
    ],
)
def test_both_ways_to_ask_for_log_probabilities_say_how_many(
    request_type: type[GenerationRequest], body: dict[str, Any], tops: int | None
) -> None:
    assert request_type.parse(body).tops == tops


def test_nothing_may_be_generated_when_the_prompt_is_what_matters() -> None:
    assert CompletionRequest.parse(text(max_tokens=0, echo=True)).token_limit == 0
    assert CompletionRequest.parse(text(max_tokens=0, prompt_logprobs=1)).token_limit == 0


def test_counts_in_every_chunk_come_only_with_the_count_at_the_end() -> None:
    options = {"include_usage": True, "continuous_usage_stats": True}
    assert ChatCompletionRequest.parse(chat(stream=True, stream_options=options)).continuous_usage
    options["include_usage"] = False
    assert not ChatCompletionRequest.parse(chat(stream=True, stream_options=options)).continuous_usage
