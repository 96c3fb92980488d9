"""Bodies with something wrong in them, by the thousand and by a seed."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Iterator
from typing import Any

import pytest
from echo_worker import EchoWorker
from error_shape import assert_envelope
from gateway_rig import QUESTION, Rig, model, rig

pytestmark = pytest.mark.processes

PATHS = (
    *("/v1/chat/completions", "/v1/completions", "/v1/embeddings", "/tokenize", "/detokenize"),
    "/v1/engines/echo/embeddings",
)
ASK: dict[str, Any] = {"model": "echo", "messages": QUESTION, "max_tokens": 1}

RICH: dict[str, Any] = {
    **ASK,
    "messages": [{"role": "user", "content": [{"type": "text", "text": "a"}]}],
    "tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}],
    "response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "object"}}},
    "stream": True,
    "stream_options": {"include_usage": True},
    "logit_bias": {"1": 1},
    "stop": ["x"],
}
OTHERS: tuple[dict[str, Any], ...] = (
    {"model": "echo", "prompt": "a b", "max_tokens": 1},
    {"model": "echo", "input": ["a b"]},
    {"model": "echo", "tokens": [1, 2]},
)
NO_UTF8 = (
    b"\xff\xfe",
    b"\xc0\x80",
    b"\xed\xa0\x80",
    b"\xf5\x80\x80\x80",
    b"\x80",
    b"\\ud800",
    b"\\u0000",
    b"\x00",
    b"\xef\xbb\xbf",
)
NO_NUMBERS = (b"1e999", b"NaN", b"-Infinity", b"0x10", b"01", b"1.", b".5", b"1e", b"1e400", b"-0", b"0.1e-400")

ODD: tuple[Any, ...] = (
    *(
        None,
        True,
        -1,
        0,
        1.5,
        "",
        "a",
        "\0",
        "\ud7ff\uffff",
        [],
        {},
        [[]],
        [None],
        {"a": None},
        [{"role": 1}],
        "x" * 5000,
    ),
    *(2**31, 2**63, -(2**63), 1e308, -0.0, [1] * 500, {"type": "x"}, [{"type": "text", "text": None}]),
)
FIELDS = (
    *(
        "model",
        "messages",
        "stream",
        "n",
        "max_tokens",
        "max_completion_tokens",
        "temperature",
        "top_p",
        "seed",
        "stop",
    ),
    *("logit_bias", "logprobs", "top_logprobs", "tools", "tool_choice", "response_format", "stream_options", "user"),
    *("frequency_penalty", "presence_penalty", "metadata", "echo", "prompt", "suffix", "best_of", "input", "unknown"),
)


def one_thing_changed(chance: random.Random, node: Any) -> Any:
    """A copy with something odd somewhere inside."""
    if chance.random() < 0.25 or not isinstance(node, dict | list) or not node:
        return chance.choice(ODD)
    keys = list(node) if isinstance(node, dict) else list(range(len(node)))
    changed, key = node.copy(), chance.choice(keys)
    changed[key] = one_thing_changed(chance, node[key])
    return changed


def broken_inside(chance: random.Random) -> bytes:
    """Of any endpoint: odd deep inside, no UTF-8, no number, or one key many times."""
    whole = json.dumps(body := chance.choice((ASK, RICH, *OTHERS))).encode()
    where, name = chance.randrange(len(whole)), b',"' + chance.choice(FIELDS).encode() + b'":'
    again = (name + json.dumps(chance.choice(ODD)).encode() for _ in range(chance.randrange(2, 50)))
    return chance.choice(
        (
            json.dumps(one_thing_changed(chance, body)).encode(),
            whole[:where] + chance.choice(NO_UTF8) + whole[where:],
            whole[:-1] + name + chance.choice(NO_NUMBERS) + b"}",
            whole[:-1] + b"".join(again) + b"}",
        )
    )


def broken_bodies(chance: random.Random) -> Iterator[bytes]:
    """Endless: wrong in the JSON, or in what it says."""
    whole = json.dumps(ASK).encode()
    while True:
        odd, depth = chance.choice(ODD), chance.choice([100, 250, 300, 900, 2000, 50_000])
        where = chance.randrange(len(whole))
        changed: tuple[dict[str, Any], ...] = (
            {chance.choice(FIELDS): odd},
            {"messages": [{"role": "user", "content": odd}]},
            {"messages": [{"role": "user", "content": "a", chance.choice(("name", "tool_calls", "role", "x")): odd}]},
        )
        yield chance.choice(
            (
                *(json.dumps(ASK | change).encode() for change in changed),
                b'{"model":"echo","messages":' + b"[" * depth + b"]" * depth + b"}",
                whole[:-1] + b',"x":' + b'{"a":' * depth + b"1" + b"}" * depth + b"}",
                b'{"model":"echo","model":1,"messages":1,"messages":[]}',
                b'{"model":"echo","max_tokens":' + b"9" * depth + b',"messages":[]}',
                whole[:where],
                whole[:where] + bytes([chance.randrange(256)]) + whole[where + 1 :],
                chance.randbytes(chance.randrange(200)),
                *(broken_inside(chance) for _ in range(4)),
            )
        )


async def ask(here: Rig, path: str, body: bytes) -> None:
    async with here.http.post(path, data=body, headers={"Content-Type": "application/json"}) as response:
        text = await response.read()
        # What is odd and not wrong is answered.
        assert response.status == 200 or 400 <= response.status < 500, (path, body[:300], text)
        if response.status != 200:
            answer = json.loads(text)
            assert_envelope(answer, answer["error"]["code"])


async def fuzz(here: Rig, seed: int, *, rounds: int) -> None:
    bodies = broken_bodies(random.Random(seed))
    for number in range(rounds):
        await asyncio.gather(*(ask(here, PATHS[(number + i) % len(PATHS)], next(bodies)) for i in range(8)))
    answer = await here.client.chat.completions.create(model="echo", messages=QUESTION)
    assert answer.choices[0].message.content == "one two three"


async def test_broken_bodies_are_refused_in_the_format_of_the_api(worker: EchoWorker) -> None:
    async with rig(model("echo", worker.replica)) as here:
        await fuzz(here, 1, rounds=20)


@pytest.mark.slow_fault
@pytest.mark.parametrize("seed", range(2, 12))
async def test_many_broken_bodies(worker: EchoWorker, seed: int) -> None:
    async with rig(model("echo", worker.replica)) as here:
        await fuzz(here, seed, rounds=250)
