"""What a worker that stands alone says."""

from __future__ import annotations

import shlex
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from inference import announce

Serve = Callable[..., Awaitable[Any]]


@pytest.mark.parametrize(
    ("capabilities", "path"),
    [(["chat", "completions"], "/v1/chat/completions"), (["embeddings"], "/v1/embeddings")],
)
async def test_the_line_to_paste_is_for_what_the_model_can_do(serve: Serve, capabilities: list[str], path: str) -> None:
    served = await serve({"capabilities": capabilities})
    words = shlex.split(announce.ready(served.service).splitlines()[1])
    assert words[1] == served.service.address + path
    async with served.client.post(path, data=words[-1]) as response:
        assert response.status == 200


async def test_the_token_is_named_and_not_shown(serve: Serve) -> None:
    text = announce.ready((await serve(token="secret")).service)
    assert "$MODELYARD_WORKER_TOKEN" in text
    assert "secret" not in text


async def test_while_loading_it_says_where_to_look(serve: Serve) -> None:
    served = await serve(ready=False)
    text = announce.listening(served.service)
    assert f"Loading echo at {served.service.address} " in text
