"""What a request may take at most, and what it may not ask for."""

from __future__ import annotations

from typing import Any

import pytest

from inference.protocol.chat import ChatCompletionRequest
from inference.protocol.completions import CompletionRequest
from inference.protocol.embeddings import EmbeddingRequest
from inference.protocol.errors import BadRequest
from inference.protocol.tokens import DetokenizeRequest, TokenizeRequest
from openai_api.limits.demand import MESSAGE_TOKENS, TEMPLATE_TOKENS, TEXT_TOKENS, demand
from openai_api.limits.facts import EVERYBODY, LimitFacts


def limit(**caps: int) -> LimitFacts:
    return LimitFacts(1, EVERYBODY, "everybody together", **caps)  # type: ignore[arg-type]


def chat(**more: Any) -> ChatCompletionRequest:
    return ChatCompletionRequest.parse({"model": "m", "messages": [{"role": "user", "content": "hello"}], **more})


def completion(**more: Any) -> CompletionRequest:
    return CompletionRequest.parse({"model": "m", "prompt": "hello", **more})


def test_a_prompt_is_taken_for_a_token_a_byte_in_every_script() -> None:
    request = EmbeddingRequest.parse({"model": "m", "input": ["hello", "你好", "x"]})
    assert demand(request, [limit()], context=4096).tokens == 5 + 6 + 1 + 3 * TEXT_TOKENS
    ids = EmbeddingRequest.parse({"model": "m", "input": [[1, 2, 3]]})
    assert demand(ids, [limit()], context=4096).tokens == 3 + TEXT_TOKENS


def test_who_asks_for_tokens_only_uses_none_and_so_counts_as_a_request() -> None:
    for request in (
        TokenizeRequest.parse({"model": "m", "prompt": "hello"}),
        DetokenizeRequest.parse({"model": "m", "tokens": [1]}),
    ):
        assert demand(request, [limit(max_context=1)], context=4096).tokens == 0


def test_every_answer_that_is_generated_is_reserved() -> None:
    request = completion(prompt=["a", "b"], n=2, best_of=3, max_tokens=10)
    assert demand(request, [limit()], context=4096).tokens == 2 * (1 + TEXT_TOKENS) + 2 * 3 * 10


def test_a_chat_is_taken_for_its_text_and_what_a_template_adds() -> None:
    wanted = demand(chat(max_tokens=10), [limit()], context=4096)
    assert wanted.tokens >= TEMPLATE_TOKENS + MESSAGE_TOKENS + len("hello") + 10
    assert wanted.changes == {}


def test_no_prompt_is_longer_than_the_context() -> None:
    assert demand(completion(prompt="x" * 9_000, max_tokens=5), [limit()], context=100).tokens == 105


def test_an_answer_of_no_stated_length_gets_what_the_budget_leaves() -> None:
    wanted = demand(chat(), [limit(tokens_per_minute=2_000), limit(tokens_per_day=1_500)], context=4096)
    assert wanted.tokens == 1_500
    assert wanted.changes["max_tokens"] < 1_500 - TEMPLATE_TOKENS


def test_an_answer_of_no_stated_length_is_as_long_as_max_output_allows() -> None:
    assert demand(chat(), [limit(max_output=7)], context=4096).changes == {"max_tokens": 7}
    assert demand(completion(), [limit(max_output=99)], context=4096).changes == {"max_tokens": 16}


@pytest.mark.parametrize("param", ["max_tokens", "max_completion_tokens"])
def test_a_longer_answer_than_allowed_is_refused_with_the_numbers(param: str) -> None:
    with pytest.raises(BadRequest, match="at most 7 for everybody together, not 8") as refused:
        demand(chat(**{param: 8}), [limit(max_output=7)], context=4096)
    assert refused.value.param == param


def test_a_prompt_and_an_answer_that_may_be_too_long_together_are_refused_with_the_numbers() -> None:
    with pytest.raises(BadRequest, match="at most 100 tokens; this one may come to 107") as refused:
        demand(completion(max_tokens=100), [limit(max_context=100)], context=4096)
    assert refused.value.param == "max_tokens"


def test_what_is_reserved_can_be_counted_whatever_a_client_asks_for() -> None:
    wanted = demand(completion(prompt=["x"] * 100, n=128, max_tokens=2**63), [limit()], context=None)
    assert 128 * 100 < wanted.tokens < 2**63
