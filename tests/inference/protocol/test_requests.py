"""Requests: what is accepted, and the one sentence for what is not."""

from __future__ import annotations

from typing import Any

import pytest

from inference.protocol.chat import ChatCompletionRequest
from inference.protocol.completions import CompletionRequest
from inference.protocol.embeddings import EmbeddingRequest
from inference.protocol.errors import BadRequest
from inference.protocol.requests import ApiRequest

HELLO = [{"role": "user", "content": "Hello"}]


def chat(**fields: Any) -> dict[str, Any]:
    return {"model": "m", "messages": HELLO, **fields}


def text(**fields: Any) -> dict[str, Any]:
    return {"model": "m", "prompt": "a", **fields}


def says(**message: Any) -> dict[str, Any]:
    return chat(messages=[message])


def refusal(request: type[ApiRequest], body: dict[str, Any]) -> BadRequest:
    with pytest.raises(BadRequest) as caught:
        request.parse(body)
    return caught.value


OPEN = {"add_generation_prompt": False, "continue_final_message": True}
CALL = {"type": "function", "function": {"name": "f", "arguments": "{}"}}
BAD_CHATS = [
    ({"messages": HELLO}, "model", "is required"),
    (chat(model=None), "model", "is required"),
    (chat(model=""), "model", "must not be empty"),
    (chat(model=7), "model", "must be a string, not an integer"),
    ({"model": "m"}, "messages", "is required"),
    (chat(messages=[]), "messages", "must not be empty"),
    (chat(messages="Hello"), "messages", "must be an array, not a string"),
    (chat(messages=["Hello"]), "messages[0]", "must be an object, not a string"),
    (says(content="Hello"), "messages[0].role", "is required"),
    (says(role="wizard", content="Hello"), "messages[0].role", "must be one of 'system', 'developer'"),
    (says(role="user"), "messages[0].content", "is required for the role 'user'"),
    (says(role="user", content=None), "messages[0].content", "is required for the role 'user'"),
    (says(role="user", content=5), "messages[0].content", "must be a string or an array of content parts"),
    (says(role="user", content=[]), "messages[0].content", "must not be empty"),
    (says(role="user", content=["Hello"]), "messages[0].content[0]", "must be an object, not a string"),
    (says(role="user", content=[{"text": "a"}]), "messages[0].content[0].type", "must be 'text'"),
    (says(role="user", content=[{"type": "text"}]), "messages[0].content[0].text", "must be a string, not null"),
    (
        says(role="user", content=[{"type": "text", "text": "a"}, {"type": "image_url", "image_url": {"url": "x"}}]),
        "messages[0].content[1].type",
        "this model reads text only: leave the image out",
    ),
    (says(role="assistant", tool_calls=[1]), "messages[0].tool_calls[0]", "must be an object"),
    (says(role="assistant", function_call={"arguments": "{}"}), "messages[0].function_call.name", "is required"),
    (
        says(role="assistant", function_call={"name": "f"}, tool_calls=[{"function": {"name": "f"}}]),
        "messages[0].function_call",
        "cannot be combined with 'tool_calls'",
    ),
    (says(role="assistant", audio={"id": "a"}), "messages[0].audio", "send its transcript"),
    (chat(max_tokens=0), "max_tokens", "must be at least 1, not 0"),
    (chat(max_tokens=1.5), "max_tokens", "must be an integer, not a number"),
    (chat(max_tokens=True), "max_tokens", "must be an integer, not a boolean"),
    (chat(max_completion_tokens=-1), "max_completion_tokens", "must be at least 1, not -1"),
    (chat(n=0), "n", "must be at least 1, not 0"),
    (chat(n=129), "n", "must be at most 128, not 129"),
    (chat(temperature=-0.1), "temperature", "must be at least 0, not -0.1"),
    (chat(temperature=2.1), "temperature", "must be at most 2, not 2.1"),
    (chat(temperature="hot"), "temperature", "must be a number, not a string"),
    (chat(top_p=1.5), "top_p", "must be at most 1, not 1.5"),
    (chat(top_k=-2), "top_k", "must be at least -1, not -2"),
    (chat(min_p=2), "min_p", "must be at most 1, not 2"),
    (chat(presence_penalty=3), "presence_penalty", "must be at most 2, not 3"),
    (chat(frequency_penalty=-3), "frequency_penalty", "must be at least -2, not -3"),
    (chat(repetition_penalty=0), "repetition_penalty", "must be greater than 0, not 0"),
    (chat(seed="1"), "seed", "must be an integer, not a string"),
    (chat(seed=2**63), "seed", "must be at most 9223372036854775807"),
    (chat(stop=5), "stop", "must be a string or an array of strings, not an integer"),
    (chat(stop=""), "stop", "must not be empty"),
    (chat(stop=["a", ""]), "stop[1]", "must not be empty"),
    (chat(stop=["a", 1]), "stop[1]", "must be a string, not an integer"),
    (chat(stop=["a"] * 17), "stop", "must have at most 16 strings, not 17"),
    (chat(stream="yes"), "stream", "must be a boolean, not a string"),
    (chat(stream=True, stream_options=[]), "stream_options", "must be an object, not an array"),
    (chat(stream=True, stream_options={"include_usage": 1}), "stream_options.include_usage", "must be a boolean"),
    (chat(stream_options={"include_usage": True}), "stream_options", "is only allowed when 'stream' is true"),
    (chat(ignore_eos=1), "ignore_eos", "must be a boolean, not an integer"),
    (chat(user=5), "user", "must be a string, not an integer"),
    (chat(**OPEN), "continue_final_message", "needs a text of the role 'assistant' as the last of 'messages'"),
    (says(role="assistant", tool_calls=[CALL]) | OPEN, "continue_final_message", "needs a text"),
    (
        says(role="assistant", content="a") | {"continue_final_message": True},
        "continue_final_message",
        "cannot be combined with 'add_generation_prompt', which is true unless it is sent as false",
    ),
]

BAD_COMPLETIONS = [
    ({"model": "m"}, "prompt", "is required"),
    ({"model": "m", "prompt": {}}, "prompt", "must be a string, or an array"),
    ({"model": "m", "prompt": []}, "prompt", "must not be empty"),
    ({"model": "m", "prompt": ["a", 1]}, "prompt[1]", "must be a string or an array of token ids"),
    ({"model": "m", "prompt": [1, "a"]}, "prompt[1]", "must be a token id, not a string"),
    ({"model": "m", "prompt": [1, True]}, "prompt[1]", "must be a token id, not a boolean"),
    ({"model": "m", "prompt": [1, -1]}, "prompt[1]", "must be at least 0, not -1"),
    ({"model": "m", "prompt": [[1], []]}, "prompt[1]", "must not be empty"),
    ({"model": "m", "prompt": [[1], [1.5]]}, "prompt[1][0]", "must be a token id, not a number"),
    ({"model": "m", "prompt": ["a"] * 2049}, "prompt", "must have at most 2048 items, not 2049"),
]

BAD_EMBEDDINGS = [
    ({"model": "m"}, "input", "is required"),
    ({"model": "m", "input": ""}, "input", "must not be empty"),
    ({"model": "m", "input": ["a", ""]}, "input[1]", "must not be empty"),
    ({"model": "m", "input": 5}, "input", "must be a string, or an array"),
    ({"model": "m", "input": "a", "encoding_format": "int8"}, "encoding_format", "must be one of 'float' or 'base64'"),
    ({"model": "m", "input": "a", "dimensions": 0}, "dimensions", "must be at least 1, not 0"),
]

BAD = [
    *((ChatCompletionRequest, *case) for case in BAD_CHATS),
    *((CompletionRequest, *case) for case in BAD_COMPLETIONS),
    *((EmbeddingRequest, *case) for case in BAD_EMBEDDINGS),
]


@pytest.mark.parametrize(("request_type", "body", "param", "sentence"), BAD)
def test_a_bad_field_is_named_and_explained(
    request_type: type[ApiRequest], body: dict[str, Any], *, param: str, sentence: str
) -> None:
    error = refusal(request_type, body)
    assert error.status == 400
    assert error.param == param
    assert error.message.startswith(f"'{param}' ")
    assert sentence in error.message
    assert error.message.endswith(".")


UNSUPPORTED = [
    (ChatCompletionRequest, chat(functions=[{"name": "f"}]), "functions"),
    (ChatCompletionRequest, chat(modalities=["text", "audio"]), "modalities"),
    (ChatCompletionRequest, chat(best_of=2), "best_of"),
    (ChatCompletionRequest, chat(echo=True), "echo"),
    (ChatCompletionRequest, chat(bad_words=["x"]), "bad_words"),
    (ChatCompletionRequest, chat(allowed_token_ids=[1]), "allowed_token_ids"),
    (ChatCompletionRequest, chat(truncate_prompt_tokens=5), "truncate_prompt_tokens"),
    (ChatCompletionRequest, chat(skip_special_tokens=False), "skip_special_tokens"),
    (CompletionRequest, text(use_beam_search=True), "use_beam_search"),
    (CompletionRequest, text(suffix="z"), "suffix"),
]


@pytest.mark.parametrize(("request_type", "body", "param"), UNSUPPORTED)
def test_what_is_not_supported_yet_is_refused_and_not_ignored(
    request_type: type[ApiRequest], body: dict[str, Any], param: str
) -> None:
    error = refusal(request_type, body)
    assert (error.param, error.code) == (param, "unsupported_parameter")
    assert f"'{param}' is not supported by this server" in error.message


HARMLESS = {
    "metadata": {"a": "b"},
    "store": True,
    "service_tier": "auto",
    "parallel_tool_calls": True,
    "logprobs": False,
    "top_logprobs": 0,
    "logit_bias": {},
    "tools": [],
    "tool_choice": "auto",
    "response_format": {"type": "text"},
    "modalities": ["text"],
    "reasoning_effort": "low",
    "something_of_next_year": 1,
}


def test_what_changes_nothing_is_accepted() -> None:
    request = ChatCompletionRequest.parse(chat(**HARMLESS))
    idle = ChatCompletionRequest.idle
    assert request.model_dump(exclude=set(idle)) == ChatCompletionRequest.parse(chat()).model_dump(exclude=set(idle))


def test_null_is_absent_in_every_field() -> None:
    nulls = dict.fromkeys((*ChatCompletionRequest.model_fields, *HARMLESS))
    assert ChatCompletionRequest.parse({**nulls, **chat()}) == ChatCompletionRequest.parse(chat())


def test_content_parts_are_joined_to_one_text() -> None:
    parts = [{"type": "text", "text": "one "}, {"type": "text", "text": "{two}"}]
    request = ChatCompletionRequest.parse(says(role="user", content=parts))
    assert request.messages[0].content == "one {two}"


@pytest.mark.parametrize(
    ("role", "seen"),
    [("developer", "system"), ("system", "system"), ("function", "tool"), ("assistant", "assistant")],
)
def test_templates_see_only_the_roles_they_know(role: str, seen: str) -> None:
    request = ChatCompletionRequest.parse(says(role=role, content="x"))
    assert request.messages[0].for_template() == {"role": seen, "content": "x"}


def test_an_assistant_that_only_called_a_tool_has_an_empty_text() -> None:
    call = {"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    seen = {"id": "1", "type": "function", "function": {"name": "f", "arguments": {}}}
    request = ChatCompletionRequest.parse(says(role="assistant", content=None, tool_calls=[call]))
    assert request.messages[0].for_template() == {"role": "assistant", "content": "", "tool_calls": [seen]}


@pytest.mark.parametrize(
    ("fields", "limit"),
    [({}, None), ({"max_tokens": 5}, 5), ({"max_tokens": 5, "max_completion_tokens": 7}, 7)],
)
def test_the_newer_name_of_the_token_limit_wins(fields: dict[str, int], limit: int | None) -> None:
    assert ChatCompletionRequest.parse(chat(**fields)).token_limit == limit


def test_completions_have_the_default_limit_of_the_reference() -> None:
    assert CompletionRequest.parse({"model": "m", "prompt": "a"}).token_limit == 16


@pytest.mark.parametrize(
    ("prompt", "parsed"),
    [
        ("a", ("a",)),
        ("", ("",)),
        (["a", "b"], ("a", "b")),
        ([1, 2], ((1, 2),)),
        ([[1, 2], [3]], ((1, 2), (3,))),
    ],
)
def test_a_prompt_may_be_text_or_tokens_one_or_many(prompt: Any, parsed: tuple[Any, ...]) -> None:
    assert CompletionRequest.parse({"model": "m", "prompt": prompt}).prompt == parsed


@pytest.mark.parametrize(("stop", "parsed"), [("a", ("a",)), (["a", "b"], ("a", "b")), ([], ()), (None, ())])
def test_stop_may_be_one_string_or_several(stop: Any, parsed: tuple[str, ...]) -> None:
    assert ChatCompletionRequest.parse(chat(stop=stop)).stop == parsed


def test_the_older_form_of_a_call_is_seen_by_templates_as_the_newer_one() -> None:
    older = says(role="assistant", content=None, function_call={"name": "f", "arguments": '{"a": 1}'})
    newer = [{"type": "function", "function": {"name": "f", "arguments": {"a": 1}}}]
    message = ChatCompletionRequest.parse(older).messages[0]
    assert message.for_template() == {"role": "assistant", "content": "", "tool_calls": newer}
    result = ChatCompletionRequest.parse(says(role="function", name="f", content="3")).messages[0]
    assert result.for_template() == {"role": "tool", "name": "f", "content": "3"}


def test_what_an_assistant_refused_is_what_it_said() -> None:
    for said in ({"refusal": "No."}, {"content": [{"type": "refusal", "refusal": "No."}]}):
        request = ChatCompletionRequest.parse(says(role="assistant", **said))
        assert request.messages[0].for_template() == {"role": "assistant", "content": "No."}
