"""Answers and chunks, held to the types of OpenAI's own package."""

from __future__ import annotations

import json
from typing import Any

import pytest
from openai.types import Completion
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from inference.protocol import responses, stream
from inference.protocol.errors import ServiceUnavailable
from inference.protocol.modelcard import model_card, model_list

USAGE = responses.Usage(prompt_tokens=3, completion_tokens=4, cached_tokens=2)
COUNTED = {
    "prompt_tokens": 3,
    "completion_tokens": 4,
    "total_tokens": 7,
    "prompt_tokens_details": {"cached_tokens": 2, "audio_tokens": 0},
    "completion_tokens_details": {
        "reasoning_tokens": 0,
        "audio_tokens": 0,
        "accepted_prediction_tokens": 0,
        "rejected_prediction_tokens": 0,
    },
}
CHOICES = [responses.Choice(0, "one", "stop"), responses.Choice(1, "two", "length")]


def payloads(events: bytes) -> list[dict[str, Any]]:
    lines = [line for line in events.decode().split("\n\n") if line]
    return [json.loads(line.removeprefix("data: ")) for line in lines if line != "data: [DONE]"]


def test_a_chat_completion_is_what_the_official_client_expects() -> None:
    body = responses.chat_completion(responses.chat_identity("m", "fp_1"), CHOICES, usage=USAGE)
    answer = ChatCompletion.model_validate(body, strict=True)
    assert answer.id.startswith("chatcmpl-")
    assert [choice.message.content for choice in answer.choices] == ["one", "two"]
    assert [choice.finish_reason for choice in answer.choices] == ["stop", "length"]
    assert answer.usage is not None
    assert answer.usage.total_tokens == 7


def test_a_completion_is_what_the_official_client_expects() -> None:
    body = responses.completion(responses.completion_identity("m", "fp_1"), CHOICES, usage=USAGE)
    answer = Completion.model_validate(body, strict=True)
    assert answer.id.startswith("cmpl-")
    assert [(choice.index, choice.text) for choice in answer.choices] == [(0, "one"), (1, "two")]


def test_two_answers_have_different_ids() -> None:
    assert responses.chat_identity("m", "f").id != responses.chat_identity("m", "f").id


@pytest.mark.parametrize("include_usage", [False, True])
def test_chat_chunks_are_what_the_official_client_expects(include_usage: bool) -> None:
    encoder = stream.ChatChunks(responses.chat_identity("m", "fp_1"), include_usage=include_usage)
    raw = encoder.start(0) + encoder.text(0, 'say "é\n"') + encoder.finish(0, "stop") + encoder.end(USAGE)
    assert raw.endswith(b"data: [DONE]\n\n")
    chunks = [ChatCompletionChunk.model_validate(payload, strict=True) for payload in payloads(raw)]
    deltas = [chunk.choices[0].delta for chunk in chunks[:3]]
    assert (deltas[0].role, deltas[1].content, deltas[2].content) == ("assistant", 'say "é\n"', None)
    assert chunks[2].choices[0].finish_reason == "stop"
    assert len({chunk.id for chunk in chunks}) == 1
    assert len(chunks) == (4 if include_usage else 3)


def test_only_the_last_chunk_counts_tokens_and_it_has_no_choices() -> None:
    encoder = stream.ChatChunks(responses.chat_identity("m", "fp_1"), include_usage=True)
    first, last = payloads(encoder.text(0, "a") + encoder.end(USAGE))
    assert first["usage"] is None
    assert last["choices"] == []
    assert last["usage"] == COUNTED


def test_every_chunk_counts_tokens_once_it_was_told_how_many() -> None:
    encoder = stream.CompletionChunks(responses.completion_identity("m", "fp_1"), include_usage=True)
    encoder.count(USAGE)
    chunks = payloads(encoder.text(0, "a") + encoder.finish(0, "stop"))
    assert [chunk["usage"] for chunk in chunks] == [COUNTED, COUNTED]


def test_the_end_of_a_choice_says_which_stop_it_was() -> None:
    for chunks in (stream.ChatChunks, stream.CompletionChunks):
        encoder = chunks(responses.chat_identity("m", "fp_1"), include_usage=False)
        (last,) = payloads(encoder.finish(0, "stop", stop_reason=7))
        assert last["choices"][0]["stop_reason"] == 7
    body = responses.completion(
        responses.completion_identity("m", "fp"), [responses.Choice(0, "a", "stop", "b")], usage=USAGE
    )
    assert body["choices"][0]["stop_reason"] == "b"


def test_completion_chunks_are_what_the_official_client_expects() -> None:
    encoder = stream.CompletionChunks(responses.completion_identity("m", "fp_1"), include_usage=False)
    assert encoder.start(1) == b""
    going_on, finished = payloads(encoder.text(1, "a") + encoder.finish(1, "stop"))
    # OpenAI's own server says null until the end, which its package's type of a choice does not know.
    assert going_on["choices"] == [{"index": 1, "text": "a", "logprobs": None, "finish_reason": None}]
    assert Completion.model_validate(finished, strict=True).choices[0].finish_reason == "stop"


def test_a_models_name_may_have_a_percent_sign() -> None:
    encoder = stream.ChatChunks(responses.chat_identity("50%d%", "fp_1"), include_usage=False)
    (chunk,) = payloads(encoder.text(3, "100 %", logprobs=b'{"content":[]}'))
    assert (chunk["model"], chunk["choices"][0]["delta"]["content"]) == ("50%d%", "100 %")
    assert (chunk["choices"][0]["index"], chunk["choices"][0]["logprobs"]) == (3, {"content": []})


def test_an_error_in_a_stream_is_an_event_with_the_envelope() -> None:
    assert payloads(stream.error_event(ServiceUnavailable("gone"))) == [ServiceUnavailable("gone").as_dict()]


def test_a_comment_is_nothing_that_a_client_reads() -> None:
    assert stream.comment("waiting, place 3") == b": waiting, place 3\n\n"


def test_the_list_of_models_holds_their_cards() -> None:
    listed = model_list([model_card("m", 5, context_length=100)])
    card = {"id": "m", "object": "model", "created": 5, "owned_by": "modelyard", "context_length": 100}
    assert listed == {"object": "list", "data": [card]}
