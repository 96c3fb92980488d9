"""The openai package for Python, sync and async."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

Said = Callable[[str], dict[str, Any]]
SYNC, ASYNC = "openai_sync.py", "openai_async.py"


@pytest.fixture
def sync(said: Said) -> dict[str, Any]:
    return said(SYNC)


def test_a_chat_answers(sync: dict[str, Any]) -> None:
    choice = sync["chat"]["choices"][0]
    assert "Paris" in choice["message"]["content"]
    assert choice["finish_reason"] == "stop"
    assert sync["chat"]["object"] == "chat.completion"


def test_a_stream_says_the_same_and_counts_the_same(sync: dict[str, Any]) -> None:
    whole = sync["chat"]
    assert sync["stream"]["text"] == whole["choices"][0]["message"]["content"]
    assert sync["stream"]["role"] == "assistant"
    for count in ("prompt_tokens", "completion_tokens", "total_tokens"):
        assert sync["stream"]["usage"][count] == whole["usage"][count]


def test_the_packages_own_reader_of_streams_is_content(sync: dict[str, Any]) -> None:
    assert sync["stream_helper"]["text"] == sync["stream"]["text"]
    assert {"chunk", "content.delta", "content.done"} <= set(sync["stream_helper"]["kinds"])


@pytest.mark.parametrize("way", ["tools", "tools_streamed"])
def test_tools_are_called(sync: dict[str, Any], way: str) -> None:
    assert sync[way]["finish_reason"] == "tool_calls"
    [*_, call] = sync[way]["message"]["tool_calls"]
    assert call["type"] == "function"
    assert call["function"]["name"] == "get_weather"
    assert "city" in call["function"]["arguments"]


def test_an_answer_is_parsed_into_a_pydantic_model(sync: dict[str, Any]) -> None:
    assert isinstance(sync["parsed"]["capital"], bool)
    assert isinstance(sync["parsed"]["continent"], str)


def test_log_probabilities_come_with_the_likeliest_at_each_place(sync: dict[str, Any]) -> None:
    assert len(sync["logprobs"]) == 3
    for entry in sync["logprobs"]:
        assert entry["logprob"] <= 0
        assert entry["token"] == entry["top_logprobs"][0]["token"]
        assert len(entry["top_logprobs"]) == 2


def test_several_prompts_are_completed_in_order(sync: dict[str, Any]) -> None:
    first, second = sync["completion"]["choices"]
    assert (first["index"], second["index"]) == (0, 1)
    assert first["text"] == sync["completion_streamed"]
    assert len(first["logprobs"]["tokens"]) == 4


def test_embeddings_are_the_same_as_numbers_and_packed(sync: dict[str, Any]) -> None:
    assert sync["embeddings"]["sizes"] == [384, 384]
    assert sync["embeddings"]["tokens"] > 0


def test_models_are_listed_and_found(sync: dict[str, Any]) -> None:
    assert sync["models"]["one"] in sync["models"]["all"]
    assert len(sync["models"]["all"]) >= 3


@pytest.mark.parametrize("script", [SYNC, ASYNC])
@pytest.mark.parametrize(
    ("what", "kind", "code", "param"),
    [
        ("unknown model", "NotFoundError", "model_not_found", "model"),
        ("too hot", "BadRequestError", None, "temperature"),
        ("no messages", "BadRequestError", None, "messages"),
        ("not a chat model", "BadRequestError", None, "model"),
        ("no tools", "BadRequestError", "tools_not_supported", "tools"),
        ("wrong key", "AuthenticationError", "invalid_api_key", None),
    ],
)
def test_what_goes_wrong_is_an_error_of_its_own_type(
    said: Said, script: str, what: str, kind: str, code: str | None, param: str | None
) -> None:
    error = said(script)["errors"][what]
    assert error["kind"] == kind
    assert error["param"] == param
    assert code is None or error["code"] == code
    assert len(error["message"]) > 20


def test_every_answer_has_an_id_to_ask_about(sync: dict[str, Any]) -> None:
    assert sync["request_id"]["of the answer"]
    assert sync["request_id"]["of the answer"] == sync["request_id"]["of the headers"]
    assert sync["errors"]["wrong key"]["id"]


def test_the_async_client_does_several_things_at_once(said: Said) -> None:
    answers = said(ASYNC)
    assert ["Paris" in text for text in answers["chats"]] == [True] * 4
    assert set(answers["chats"]) == {answers["stream"]}
    assert answers["tools"]["function"]["name"] == "get_weather"
    assert answers["parsed"]["continent"]
    assert answers["completion"] == said(SYNC)["completion_streamed"]
    assert answers["embedding"] == 384
    assert answers["left early"]
    assert answers["models"] == said(SYNC)["models"]["all"]
