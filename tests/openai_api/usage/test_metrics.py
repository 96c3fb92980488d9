"""GET /metrics: what it counts after requests that are known, for keys that may read."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from echo_worker import EchoWorker
from error_shape import assert_error_shape
from gateway_rig import ANNA, KEYS, QUESTION, SECRET, Rig, eventually, model, rig, snapshot

from openai_api.keys import KeyFacts, hash_secret
from openai_api.models import Scope

READER = {"Authorization": "Bearer my-reader"}
READS = {hash_secret("my-reader"): KeyFacts(id=2, name="reader", user_id=ANNA, scopes=frozenset({Scope.READ}))}
SAMPLE = re.compile(r"^(modelyard_\w+?)(?:\{(.*)\})? ([\d.e+-]+)$", re.MULTILINE)
PAGE = Path(__file__).parents[3] / "docs" / "api.md"


async def samples(here: Rig) -> dict[str, float]:
    async with here.http.get("/metrics", headers=READER) as response:
        assert response.status == 200
        assert response.headers["Content-Type"].startswith("text/plain; version=0.0.4")
        found = SAMPLE.findall(await response.text())
    return {f"{name}{{{labels}}}": float(value) for name, labels, value in found if "_created" not in name}


async def ask(here: Rig, path: str = "/v1/chat/completions", **body: Any) -> None:
    async with here.http.post(path, json={"model": "echo", "messages": QUESTION} | body) as response:
        await response.read()


async def test_figures_say_what_was_asked(worker: EchoWorker) -> None:
    async with rig(model("echo", worker.replica)) as here:
        here.gateway.update(snapshot(model("echo", worker.replica), keys=KEYS | READS))
        for body in ({}, {"stream": True}, {"max_tokens": 1}, {"max_tokens": 5000}, {"model": "no"}, {"n": 0}):
            await ask(here, **body)
        await ask(here, "/tokenize", messages=None, prompt="a")
        await eventually(lambda: here.in_flight() == 0)
        seen = await samples(here)
    chat = 'modelyard_requests_total{endpoint="chat",model="echo",status="%d"}'
    assert (seen[chat % 200], seen[chat % 400]) == (3, 1)
    assert seen['modelyard_requests_total{endpoint="tokenize",model="echo",status="200"}'] == 1
    assert (seen['modelyard_errors_total{status="400"}'], seen['modelyard_errors_total{status="404"}']) == (1, 1)
    assert seen['modelyard_tokens_total{kind="in",model="echo"}'] == 12
    assert seen['modelyard_tokens_total{kind="out",model="echo"}'] == 9
    assert seen['modelyard_time_to_first_token_seconds_count{model="echo"}'] == 1
    assert seen['modelyard_time_to_first_token_seconds_sum{model="echo"}'] >= 0.02
    assert seen['modelyard_request_duration_seconds_count{model="echo"}'] == 5
    assert (seen['modelyard_in_flight{model="echo"}'], seen['modelyard_replicas_ready{model="echo"}']) == (0, 1)


async def test_a_key_that_only_asks_models_does_not_see_what_others_ask(worker: EchoWorker) -> None:
    async with rig(model("echo", worker.replica)) as here:
        async with here.http.get("/metrics", headers={"Authorization": f"Bearer {SECRET}"}) as response:
            assert "read" in await assert_error_shape(response, 403, "permission_denied")
        async with here.http.get("/metrics", headers={"Authorization": ""}) as response:
            assert response.status == 401


async def test_the_page_of_the_api_has_every_name(worker: EchoWorker) -> None:
    async with rig(model("echo", worker.replica)) as here:
        here.gateway.update(snapshot(model("echo", worker.replica), keys=KEYS | READS))
        await ask(here, model="no")
        await ask(here, stream=True)
        await eventually(lambda: here.in_flight() == 0)
        seen = {re.sub(r"(_bucket|_sum|_count)?\{.*", "", name) for name in await samples(here)}
    assert seen == set(re.findall(r"^\| `(modelyard_\w+)", PAGE.read_text(), flags=re.MULTILINE))
