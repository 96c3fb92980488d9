"""Requests to a model that another server answers, over HTTP: as for any worker, and byte by byte."""

from __future__ import annotations

import asyncio
import contextlib
import io
import os
import signal
from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp
import pytest
from external_rig import Rig

from inference.config import WorkerConfig
from inference.listening import listen
from inference.protocol import accounting
from inference.server.app import build_runner
from inference.service import Service
from tests.inference.conftest import Served

pytestmark = pytest.mark.processes
CHAT = "/v1/chat/completions"
Relayed = tuple[Served, Rig]


@pytest.fixture
async def relayed(rig: Callable[..., Rig]) -> AsyncIterator[Relayed]:
    """A worker's HTTP side over a fake server that is ready."""
    made = rig()
    engine = await asyncio.to_thread(made.load)
    config = engine.config
    service = Service(WorkerConfig(model=config.model, name="m", engine="vllm", cache_dir=config.cache_dir, token="t"))
    service.loaded = engine
    service.lifecycle.ready()
    runner = build_runner(service)
    await runner.setup()
    service.address = await listen(runner, "127.0.0.1", port=0)
    async with aiohttp.ClientSession(service.address, headers={"Authorization": "Bearer t"}) as client:
        yield Served(service, client), made
    await asyncio.to_thread(engine.close)
    await runner.cleanup()


def ask(tokens: int, **fields: Any) -> dict[str, Any]:
    return {"model": "m", "max_tokens": tokens, "messages": [], **fields}


async def test_answers_are_those_of_the_server_whole_or_streamed(relayed: Relayed) -> None:
    served, _ = relayed
    assert await served.post(CHAT, ask(1)) == (200, {"said": 1, "model": "m"})
    async with served.client.post(CHAT, json=ask(3, stream=True)) as response:
        assert response.headers["Content-Type"].startswith("text/event-stream")
        assert response.headers["X-Request-Id"]
        assert await response.read() == b"data: 0\n\ndata: 1\n\ndata: 2\n\ndata: [DONE]\n\n"
    assert served.service.traffic.requests_total == 2


@pytest.mark.parametrize("options", [None, {"include_usage": False}, {"include_usage": True}])
async def test_what_a_stream_took_is_known_and_told_to_clients_who_asked(
    relayed: Relayed, options: dict[str, bool] | None
) -> None:
    served, _ = relayed
    body = ask(3, stream=True, stream_options=options)
    async with served.client.post(CHAT, json=body, headers={accounting.HEADER: "r1"}) as response:
        text = await response.text()
    assert ('"usage"' in text) == bool(options and options["include_usage"])
    assert text.startswith("data: 0\n\ndata: 1\n\ndata: 2\n\n")
    assert '"prompt_tokens":7,"completion_tokens":3' in text.splitlines()[-2]
    assert '"exact":false' not in text


async def test_its_tokens_are_its_own(relayed: Relayed) -> None:
    served, _ = relayed
    status, told = await served.post("/tokenize", {"model": "m", "prompt": "Grüße"})
    assert (status, told["count"], told["max_model_len"]) == (200, 7, 4096)
    assert await served.post("/detokenize", {"model": "m", "tokens": told["tokens"]}) == (200, {"prompt": "Grüße"})
    assert (await served.post("/tokenize", {"model": "m", "messages": [{"role": "user", "content": "x"}]}))[0] == 200


@pytest.mark.parametrize(
    ("url", "status"), [("data:image/png;base64,iVBORw0KGgo=", 200), ("http://169.254.169.254/", 400)]
)
async def test_images_are_sent_along_and_not_fetched(relayed: Relayed, url: str, status: int) -> None:
    served, _ = relayed
    content = [{"type": "image_url", "image_url": {"url": url}}]
    for path in (CHAT, "/tokenize"):
        answer = await served.post(path, ask(1) | {"messages": [{"role": "user", "content": content}]})
        assert answer[0] == status
        if status == 400:
            assert answer[1]["error"]["param"] == "messages[0].content[0].image_url.url"


async def test_its_errors_keep_its_words_and_come_as_ours_do(relayed: Relayed) -> None:
    served, _ = relayed
    error = {"message": "oops", "type": "invalid_request_error", "param": None, "code": "invalid_value"}
    assert await served.post(CHAT, ask(1, oops=1)) == (400, {"error": error})
    late = ask(1, stream=True, late_oops=1)
    assert await served.post(CHAT, late) == (400, {"error": error | {"message": "late oops"}})
    assert (await served.post(CHAT, ask(1, best_of=2)))[1]["error"]["param"] == "best_of"
    assert (await served.post(CHAT, ask(1) | {"model": "other"}))[1]["error"]["code"] == "model_not_found"
    assert (await served.post(CHAT, {}))[1]["error"]["param"] == "model"
    status, body = await served.post("/v1/embeddings", {"model": "m", "input": "a"})
    assert (status, body["error"]["code"]) == (400, "wrong_endpoint")
    async with served.client.post(CHAT, json=ask(1), headers={"Authorization": "Bearer wrong"}) as refused:
        assert refused.status == 401
    async with served.client.post(CHAT, data=io.BytesIO(b"x" * (11 << 20))) as too_large:
        assert too_large.status == 413


@pytest.mark.parametrize("stream", [True, False])
async def test_a_client_that_leaves_ends_its_request_there(relayed: Relayed, stream: bool) -> None:
    served, _ = relayed
    asking = asyncio.create_task(served.post(CHAT, ask(100_000, stream=stream)))
    await served.until(lambda stats: stats["engine"]["running"] == 1)
    assert (await served.stats())["in_flight"] == 1
    asking.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await asking
    stats = await served.until(lambda stats: stats["engine"]["running"] == 0)
    assert (stats["in_flight"], stats["engine"]["aborted_total"]) == (0, 1)


async def test_clients_hear_of_a_server_that_dies(relayed: Relayed) -> None:
    served, made = relayed
    whole = asyncio.create_task(served.post(CHAT, ask(100_000)))
    async with served.client.post(CHAT, json=ask(100_000, stream=True)) as stream:
        await served.until(lambda stats: stats["engine"]["running"] == 2)
        os.kill(made.pids()[0], signal.SIGKILL)
        assert b'"code":"engine_closed"' in (await stream.read()).splitlines()[-4]
    status, body = await whole
    assert (status, body["error"]["code"]) == (503, "engine_closed")


async def test_a_drained_worker_finishes_what_runs_and_takes_nothing_new(relayed: Relayed) -> None:
    served, _ = relayed
    async with served.client.post(CHAT, json=ask(30, stream=True)) as stream:
        served.service.lifecycle.drain()
        assert (await served.post(CHAT, ask(1)))[0] == 503
        assert (await stream.read()).endswith(b"data: [DONE]\n\n")


async def test_tokens_are_counted_from_its_metrics(relayed: Relayed) -> None:
    served, _ = relayed
    async with served.client.post(CHAT, json=ask(20, stream=True)) as stream:
        await stream.read()
    stats = await served.until(lambda stats: stats["tokens_total"] == 20)
    assert stats["tokens_per_second"] > 0
    assert stats["engine"]["cache_used_tokens"] == 1024
