"""What every request passes: token, limits, ids, and the one shape of errors."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from inference.engines.base import Delta, LoadProgress

Serve = Callable[..., Awaitable[Any]]
CHAT = "/v1/chat/completions"


def assert_error_shape(body: Any, code: str | None) -> None:
    assert set(body) == {"error"}
    assert set(body["error"]) == {"message", "type", "param", "code"}
    assert body["error"]["code"] == code
    assert body["error"]["message"]


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/", 404, "not_found"),
        ("POST", "/v1/nothing", 404, "not_found"),
        ("GET", CHAT, 405, "method_not_allowed"),
        ("POST", "/v1/models", 405, "method_not_allowed"),
        ("GET", "/v1/models/other", 404, "model_not_found"),
        ("POST", CHAT, 400, "invalid_json"),
        ("POST", "/v1/completions", 400, "invalid_json"),
        ("POST", "/v1/embeddings", 400, "invalid_json"),
    ],
)
async def test_every_refusal_has_the_shape_of_an_error(
    serve: Serve, method: str, *, path: str, status: int, code: str
) -> None:
    served = await serve()
    async with served.client.request(method, path) as response:
        assert response.status == status
        assert response.content_type == "application/json"
        assert_error_shape(await response.json(), code)


@pytest.mark.parametrize("header", [None, "Bearer wrong", "Bearer ", "secret", "Basic secret", "Bearer sécret"])
async def test_without_the_token_nothing_but_health_answers(serve: Serve, header: str | None) -> None:
    served = await serve(token="secret")
    headers = {"Authorization": header or ""}
    for path in ("/v1/models", "/stats", "/nowhere"):
        async with served.client.get(path, headers=headers) as response:
            assert response.status == 401
            assert response.headers["WWW-Authenticate"] == "Bearer"
            assert_error_shape(await response.json(), "invalid_api_key")
    async with served.client.get("/health", headers=headers) as response:
        assert response.status == 200


async def test_with_the_token_requests_are_answered(serve: Serve) -> None:
    served = await serve(token="secret")
    status, body = await served.post(CHAT, served.hello)
    assert (status, body["choices"][0]["message"]["content"]) == (200, "one two three")


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_body_over_the_limit_is_refused(serve: Serve, chunked: bool) -> None:
    served = await serve(max_body_bytes=1000)

    async def pieces() -> Any:
        for _ in range(20):
            yield b" " * 100

    async with served.client.post(CHAT, data=pieces() if chunked else b" " * 2000) as response:
        assert response.status == 413
        body = await response.json()
    assert_error_shape(body, "request_too_large")
    assert "1000 bytes" in body["error"]["message"]


@pytest.mark.parametrize(("given", "kept"), [("abc-123", True), ("x" * 200, False), ("a b", False)])
async def test_a_request_id_is_kept_when_it_is_one(serve: Serve, given: str, kept: bool) -> None:
    served = await serve()
    for body in (served.hello, {**served.hello, "stream": True}, {}):
        async with served.client.post(CHAT, json=body, headers={"X-Request-Id": given}) as response:
            answered = response.headers["X-Request-Id"]
        assert (answered == given) is kept
        assert answered


async def test_while_it_loads_the_worker_says_how_far_it_is(serve: Serve) -> None:
    served = await serve(ready=False)
    served.service.lifecycle.progress(LoadProgress(40, "loading weights"))
    async with served.client.get("/health") as response:
        assert response.status == 503
        assert await response.json() == {"state": "LOADING", "progress": 40, "detail": "loading weights"}
    async with served.client.post(CHAT, json=served.hello) as response:
        assert response.status == 503
        assert int(response.headers["Retry-After"]) >= 1
        assert_error_shape(await response.json(), "model_loading")


async def test_while_it_drains_the_worker_takes_nothing_new(serve: Serve) -> None:
    served = await serve()
    served.service.lifecycle.drain()
    status, body = await served.post(CHAT, served.hello)
    assert status == 503
    assert_error_shape(body, "model_draining")


async def test_a_bug_is_logged_with_its_traceback_and_answered_without(
    serve: Serve, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    served = await serve()

    def broken(messages: object, **how: object) -> None:
        raise KeyError("secret detail")

    monkeypatch.setattr(served.service.loaded, "encode_chat", broken)
    with caplog.at_level(logging.ERROR):
        status, body = await served.post(CHAT, served.hello)
    assert status == 500
    assert_error_shape(body, "internal_error")
    assert "secret detail" not in str(body)
    assert "secret detail" in caplog.text


async def test_an_engine_that_ends_without_a_reason_is_an_error_and_not_an_answer(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    served = await serve()

    async def cut_off(prompt: object, sampling: object, tally: object) -> Any:
        yield Delta("one", 1)

    monkeypatch.setattr(served.service.loaded, "generate", cut_off)
    status, body = await served.post(CHAT, served.hello)
    assert status == 503
    assert_error_shape(body, "engine_closed")


async def test_the_list_of_models_holds_the_served_one(serve: Serve) -> None:
    served = await serve(name="org/model")
    async with served.client.get("/v1/models") as response:
        listed = await response.json()
    assert [card["id"] for card in listed["data"]] == ["org/model"]
    async with served.client.get("/v1/models/org/model") as response:
        assert await response.json() == listed["data"][0]
