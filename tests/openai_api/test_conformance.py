"""What clients of OpenAI's API count on: every endpoint by every name, and answers of the official shape."""

from __future__ import annotations

from typing import Any

import pytest
from echo_worker import EchoWorker
from gateway_rig import QUESTION, model, rig

pytestmark = pytest.mark.processes

ALIAS = "text-embedding-ada-002"
REQUESTS: dict[str, dict[str, Any]] = {
    "/v1/chat/completions": {"messages": QUESTION},
    "/v1/completions": {"prompt": "one two"},
    "/v1/embeddings": {"input": "one two"},
    f"/v1/engines/{ALIAS}/embeddings": {"input": "one two", "model": "this one is not looked at"},
    "/tokenize": {"prompt": "one two"},
    "/detokenize": {"tokens": [7]},
}


async def test_an_alias_works_on_every_endpoint(worker: EchoWorker) -> None:
    async with rig(model("echo", worker.replica, aliases=(ALIAS,))) as here:
        for path, body in REQUESTS.items():
            async with here.http.post(path, json={"model": ALIAS} | body) as response:
                assert response.status == 200, (path, await response.text())
