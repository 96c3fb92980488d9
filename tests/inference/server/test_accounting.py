"""What a request took is told with its answer, and for a minute after one that was aborted."""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Awaitable, Callable
from typing import Any

import orjson
import pytest

from inference.protocol.responses import Usage
from inference.server.accounting import KEPT_S, MOST_KEPT, Accounts
from inference.server.meter import Meter

Serve = Callable[..., Awaitable[Any]]
CHAT = "/v1/chat/completions"
HEADER = "X-Modelyard-Accounting"


async def test_a_stream_ends_with_a_comment_of_the_numbers_for_who_asks_for_it(serve: Serve) -> None:
    served = await serve()
    streamed = served.hello | {"stream": True, "n": 2}
    async with served.client.post(CHAT, json=streamed, headers={HEADER: "a-1"}) as response:
        text = await response.read()
    stream, mark, facts = text.partition(b": modelyard ")
    assert mark
    assert stream.endswith(b"data: [DONE]\n\n")
    assert orjson.loads(facts) == {
        "prompt_tokens": 4,
        "completion_tokens": 8,
        "cached_tokens": 0,
        "finish": "stop",
    }
    async with served.client.post(CHAT, json=streamed) as response:
        assert b"modelyard" not in await response.read()


@pytest.mark.parametrize(("path", "more"), [(CHAT, {}), ("/v1/embeddings", {"input": "one two"})])
async def test_a_whole_answer_has_the_numbers_in_a_header(serve: Serve, path: str, more: dict[str, Any]) -> None:
    served = await serve()
    async with served.client.post(path, json=served.hello | more, headers={HEADER: "a-1"}) as response:
        facts = orjson.loads(response.headers[HEADER])
        usage = (await response.json())["usage"]
    assert facts["prompt_tokens"] == usage["prompt_tokens"] > 0
    assert facts["completion_tokens"] == usage.get("completion_tokens", 0)
    assert facts["finish"] == "stop"


@pytest.mark.parametrize("stream", [True, False])
async def test_of_an_aborted_request_the_engines_own_count_is_kept(serve: Serve, stream: bool) -> None:
    served = await serve({"token_delay_ms": 5})
    endless = served.hello | {"stream": stream, "ignore_eos": True, "max_tokens": 4000}
    request = await _begin(served, endless, stream=stream)
    await served.until(lambda stats: stats["engine"]["tokens_total"] >= 5)
    if stream:
        request.close()
    else:
        request.cancel()
    async with served.client.get("/accounting/a-1") as response:
        facts = await response.json()
    assert facts["completion_tokens"] == (await served.stats())["engine"]["tokens_total"] >= 5
    assert facts["prompt_tokens"] == 4


async def _begin(served: Any, body: dict[str, Any], *, stream: bool) -> Any:
    asking = served.client.post(CHAT, json=body, headers={HEADER: "a-1"})
    return await asking if stream else asyncio.ensure_future(asking)


async def test_what_was_refused_took_nothing_and_what_is_unknown_is_said_to_be(serve: Serve) -> None:
    served = await serve({"context_length": 10})
    long = served.hello | {"max_tokens": 50}
    async with served.client.post(CHAT, json=long, headers={HEADER: "a-1"}) as response:
        assert response.status == 400
    async with served.client.get("/accounting/a-1") as response:
        assert (await response.json())["prompt_tokens"] == 0
    async with served.client.get("/accounting/a-2") as response:
        assert response.status == 404


def test_of_a_request_that_is_over_the_numbers_stay_and_nothing_else() -> None:
    class Source:
        settled = True

        def taken(self) -> Usage:
            return Usage(3, 4)

    accounts, source = Accounts(), Source()
    account = accounts.open("name")
    account.follow(source)
    accounts.close(account, now=0.0)
    gone = weakref.ref(source)
    del source
    assert gone() is None
    assert account.settled
    assert orjson.loads(account.as_json())["completion_tokens"] == 4


def test_accounts_are_forgotten_after_a_minute_and_beyond_a_number() -> None:
    accounts = Accounts()
    for number in range(MOST_KEPT + 5):
        accounts.close(accounts.open(str(number)), now=100.0)
    assert accounts.find("4") is None
    assert accounts.find("5") is not None
    accounts.close(accounts.open("late"), now=100.0 + KEPT_S + 1)
    assert accounts.find("5") is None
    assert accounts.find("late") is not None


def test_another_servers_answer_is_counted_by_its_usage_else_by_its_events() -> None:
    meter = Meter(streamed=True)
    for piece in (b'data: {"choices":[{"delta":{}}]}\n\n', *[b'data: {"choices":[]}\n\n'] * 5):
        meter.note(piece)
    meter.note(b'data: {"choices":[{"finish_reason":"length"}]}\n\ndata: [DONE]\n\n')
    usage, finish, exact = meter.result()
    assert (usage.completion_tokens, finish, exact) == (5, "length", False)
    meter.note(b'data: {"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":6}}\n\n')
    usage, finish, exact = meter.result()
    assert (usage.prompt_tokens, usage.completion_tokens, exact) == (3, 6, True)
