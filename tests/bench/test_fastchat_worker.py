"""The stub worker that FastChat's servers are measured with."""

from __future__ import annotations

import json
from collections.abc import MutableMapping
from typing import Any

from bench.fastchat_worker import Worker


async def asked(path: str, body: object) -> bytes:
    said: list[MutableMapping[str, Any]] = []

    async def receive() -> MutableMapping[str, Any]:
        return {"body": json.dumps(body).encode(), "more_body": False}

    async def send(message: MutableMapping[str, Any]) -> None:
        said.append(message)

    await Worker("echo", {"token_delay_ms": 0})({"path": path}, receive, send)
    return b"".join(message.get("body", b"") for message in said)


async def test_each_token_brings_the_whole_text_and_the_reason_comes_alone() -> None:
    stream = await asked("/worker_generate_stream", {"prompt": "one two three", "max_new_tokens": 2})
    *pieces, rest = stream.split(b"\0")
    found = [json.loads(piece) for piece in pieces]
    assert [(one["text"], one["finish_reason"]) for one in found] == [
        ("one", None),
        ("one two", None),
        ("one two", "length"),
    ]
    assert found[-1]["usage"] == {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
    assert rest == b""


async def test_what_is_asked_before_a_stream_has_an_answer() -> None:
    assert json.loads(await asked("/count_token", {"prompt": "one two three"}))["count"] == 3
    assert json.loads(await asked("/worker_get_status", None))["model_names"] == ["echo"]
