"""/tokenize and /detokenize over real sockets, in vLLM's format."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

Serve = Callable[..., Awaitable[Any]]
HELLO: list[dict[str, str]] = [{"role": "user", "content": "one two"}]
OPEN = {"add_generation_prompt": False, "continue_final_message": True}


async def test_a_text_becomes_tokens_and_a_text_again(serve: Serve) -> None:
    served = await serve({"context_length": 100})
    status, body = await served.post("/tokenize", {"model": "echo", "prompt": "one two", "return_token_strs": True})
    assert status == 200
    assert list(body) == ["count", "max_model_len", "tokens", "token_strs"]
    assert (body["count"], body["max_model_len"], body["token_strs"]) == (2, 100, ["one", " two"])
    assert await served.post("/detokenize", {"model": "echo", "tokens": body["tokens"]}) == (200, {"prompt": "one two"})


async def test_a_chat_is_counted_as_the_model_will_see_it(serve: Serve) -> None:
    served = await serve()
    _, tokens = await served.post("/tokenize", {"model": "echo", "messages": HELLO})
    _, answer = await served.post("/v1/chat/completions", {"model": "echo", "messages": HELLO})
    assert tokens["count"] == answer["usage"]["prompt_tokens"] == 3
    assert tokens["token_strs"] is None


async def test_an_open_answer_is_the_end_of_the_prompt(serve: Serve) -> None:
    served = await serve()
    chat = {"model": "echo", "messages": [*HELLO, {"role": "assistant", "content": "one "}], **OPEN}
    _, tokens = await served.post("/tokenize", {**chat, "return_token_strs": True})
    assert tokens["token_strs"][-2:] == ["one", " "]
    _, answer = await served.post("/v1/chat/completions", chat)
    assert answer["choices"][0]["message"]["content"] == "two"
    assert answer["usage"]["prompt_tokens"] == tokens["count"]


async def test_a_model_that_only_embeds_has_a_tokenizer_too(serve: Serve) -> None:
    served = await serve({"capabilities": ["embeddings"]})
    status, _ = await served.post("/tokenize", {"model": "echo", "prompt": "one"})
    assert status == 200


@pytest.mark.parametrize(
    ("path", "body", "param"),
    [
        ("/tokenize", {}, "prompt"),
        ("/tokenize", {"prompt": "a", "messages": HELLO}, "messages"),
        ("/tokenize", {"messages": HELLO, "add_special_tokens": True}, "add_special_tokens"),
        ("/tokenize", {"prompt": 1}, "prompt"),
        ("/tokenize", {"messages": HELLO, **OPEN}, "continue_final_message"),
        ("/tokenize", {"prompt": "a", **OPEN}, "continue_final_message"),
        ("/detokenize", {"tokens": "one"}, "tokens"),
        ("/detokenize", {"tokens": [1, "one"]}, "tokens[1]"),
        ("/detokenize", {}, "tokens"),
    ],
)
async def test_what_is_wrong_is_named(serve: Serve, path: str, body: dict[str, Any], param: str) -> None:
    served = await serve()
    status, answer = await served.post(path, {"model": "echo", **body})
    assert (status, answer["error"]["param"]) == (400, param)
