"""A soak against a worker that leaks, cuts and grows finds all of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web

from bench.load.target import Target
from bench.soak import Plan, Soak, report
from bench.soaking import watch

PLAN = Plan(requests=40, seconds=None, streams=4, check_every=10, kinds=["chat"])


class Fake:
    """A worker; every tenth request shows its fault."""

    def __init__(self, fault: str = "") -> None:
        self.fault = fault
        self.requests = 0

    async def stats(self, request: web.Request) -> web.Response:
        counters = dict.fromkeys(watch.Sample.__dataclass_fields__, 0)
        held = {"cache_used_tokens": 16 * (self.requests // 10) if self.fault == "leak" else 0}
        grown = 10 + (self.requests // 10 if self.fault == "growth" else 0)
        own = {"memory_bytes": grown, "memory_peak_bytes": grown, "in_flight": 0}
        return web.json_response({**own, "engine": counters | held})

    async def chat(self, request: web.Request) -> web.StreamResponse:
        self.requests += 1
        body: dict[str, Any] = await request.json()
        if self.fault == "error" and self.requests % 10 == 0:
            return web.json_response({"error": {"message": "oh"}}, status=500)
        choice = {"index": 0, "message": {"content": "ok"}, "finish_reason": "stop"}
        return web.json_response({"choices": [choice], "usage": {"completion_tokens": body["max_tokens"]}})


@asynccontextmanager
async def serving(fake: Fake) -> AsyncIterator[Target]:
    app = web.Application()
    app.add_routes([web.get("/stats", fake.stats), web.post("/v1/chat/completions", fake.chat)])
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield Target(f"http://127.0.0.1:{runner.addresses[0][1]}/v1", "fake")
    finally:
        await runner.cleanup()


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [("", "everything held"), ("error", "FAILED"), ("leak", "at 4 of 4 pauses"), ("growth", "FAILED")],
)
async def test_what_is_wrong_is_found(fault: str, sentence: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "REST_S", 0.0)
    async with serving(Fake(fault)) as target:
        soak = Soak(target, PLAN)
        await soak.run()
    assert soak.good == (not fault)
    assert (soak.sent.total(), soak.unexpected.total()) == (40, 4 if fault == "error" else 0)
    assert sentence in report(soak)


async def test_a_worker_that_is_gone_ends_it() -> None:
    with pytest.raises(ConnectionError, match="needs the URL of a worker"):
        await Soak(Target("http://127.0.0.1:1/v1", "none"), PLAN).run()
