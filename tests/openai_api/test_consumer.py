"""The streaming consumer alone, fed with ASGI events."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import Any, ClassVar

import pytest
from asgiref.testing import ApplicationCommunicator
from error_shape import assert_envelope

from inference.protocol.errors import BadRequest, ServiceUnavailable
from openai_api.consumer import StreamingConsumer


class Probe(StreamingConsumer):
    """Streams until it is stopped, or does what the body says."""

    methods: ClassVar[tuple[str, ...]] = ("GET", "POST")
    ended: ClassVar[list[str]] = []

    async def handle(self, body: bytes) -> None:
        if body == b"refuse":
            raise BadRequest("This is refused.", param="x", code="refused")
        if body == b"bug":
            raise KeyError("secret detail")
        await self.send_headers(headers={"content-type": "text/event-stream"})
        await self.send_body(b"data: 1\n\n", more_body=True)
        if body == b"break":
            raise ServiceUnavailable("The engine is gone.")
        try:
            await asyncio.Event().wait()
        finally:
            self.ended.append("ended")


def call(method: str = "POST", path: str = "/v1/x", **headers: str) -> ApplicationCommunicator:
    Probe.ended.clear()
    encoded = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "method": method, "path": path, "headers": encoded}
    return ApplicationCommunicator(Probe.as_asgi(), scope)


async def send(http: ApplicationCommunicator, body: bytes, *, more: bool = False) -> None:
    await http.send_input({"type": "http.request", "body": body, "more_body": more})


async def answer(http: ApplicationCommunicator) -> tuple[int, dict[str, str], Any]:
    start, body = await http.receive_output(), await http.receive_output()
    headers = {name.decode(): value.decode() for name, value in start["headers"]}
    return start["status"], headers, json.loads(body["body"] or "null")


async def test_a_disconnect_in_mid_stream_cancels_the_handler_at_once() -> None:
    http = call()
    await send(http, b"stream")
    assert (await http.receive_output())["status"] == 200
    assert (await http.receive_output())["body"] == b"data: 1\n\n"
    await http.send_input({"type": "http.disconnect"})
    await http.wait(timeout=1)
    assert Probe.ended == ["ended"]


async def test_a_disconnect_before_the_body_is_complete_answers_nothing() -> None:
    http = call()
    await send(http, b"half", more=True)
    await http.send_input({"type": "http.disconnect"})
    await http.wait(timeout=1)
    assert await http.receive_nothing()


async def test_an_error_before_the_first_byte_is_the_envelope() -> None:
    http = call()
    await send(http, b"ref", more=True)
    await send(http, b"use")
    status, headers, body = await answer(http)
    assert (status, headers["content-type"]) == (400, "application/json")
    assert assert_envelope(body, "refused") == "This is refused."


async def test_an_error_after_the_first_byte_is_an_event_and_ends_the_stream() -> None:
    http = call()
    await send(http, b"break")
    _, first, last = [await http.receive_output() for _ in range(3)]
    assert first["more_body"]
    assert not last["more_body"]
    error, done = last["body"].removesuffix(b"\n\n").split(b"\n\n")
    assert assert_envelope(json.loads(error.removeprefix(b"data: ")), "service_unavailable") == "The engine is gone."
    assert done == b"data: [DONE]"


@pytest.mark.parametrize(
    ("sent", "whole"),
    [
        (b"data: 1\n\n", b"data: 1\n\ndata: [DONE]\n\n"),
        (b"data: {half", b"data: {half\n\ndata: [DONE]\n\n"),
        (b"data: 1\n\ndata: [DONE]\n\n", b"data: 1\n\ndata: [DONE]\n\n"),
    ],
)
async def test_a_stream_has_the_closing_mark_once_and_on_a_line_of_its_own(sent: bytes, whole: bytes) -> None:
    class Stream(Probe):
        async def handle(self, body: bytes) -> None:
            await self.send_headers()
            for start in range(0, len(sent), 5):  # the network cuts where it likes
                await self.send_body(sent[start : start + 5], more_body=True)
            await self.end_events()

    http = ApplicationCommunicator(Stream.as_asgi(), {"type": "http", "method": "GET", "path": "/v1/x", "headers": []})
    await send(http, b"")
    await http.receive_output()
    parts = [await http.receive_output()]
    while parts[-1]["more_body"]:
        parts.append(await http.receive_output())
    assert b"".join(part["body"] for part in parts) == whole


async def test_a_body_that_stops_arriving_is_408(settings: Any) -> None:
    settings.MODELYARD_BODY_IDLE_S = 0.05
    http = call()
    await send(http, b"half", more=True)
    status, _, body = await answer(http)
    assert status == 408
    assert "0.05 s" in assert_envelope(body, "request_timeout")


async def test_a_packed_body_is_not_read() -> None:
    status, _, body = await answer(call(content_encoding="gzip"))
    assert status == 415
    assert "'gzip'" in assert_envelope(body, "unsupported_media_type")


@pytest.mark.parametrize(("origin", "seen"), [("https://a.example", "https://a.example"), ("https://b.example", None)])
async def test_only_named_pages_may_read_answers_when_pages_are_named(
    settings: Any, origin: str, seen: str | None
) -> None:
    settings.MODELYARD_CORS_ORIGINS = frozenset({"https://a.example"})
    _, headers, _ = await answer(call("DELETE", origin=origin))
    assert headers.get("access-control-allow-origin") == seen
    assert headers["vary"] == "Origin"


PREFLIGHT = {"access_control_request_method": "POST", "access_control_request_headers": "authorization,content-type"}


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/tokenize", "/detokenize"])
async def test_a_browser_may_send_a_key_from_named_pages_and_from_no_others(settings: Any, path: str) -> None:
    settings.MODELYARD_CORS_ORIGINS = frozenset({"https://a.example"})
    status, allowed, _ = await answer(call("OPTIONS", path, origin="https://a.example", **PREFLIGHT))
    assert (status, allowed["access-control-allow-origin"]) == (204, "https://a.example")
    # The star does not stand for this one: https://fetch.spec.whatwg.org/#cors-non-wildcard-request-header-name
    assert "Authorization" in allowed["access-control-allow-headers"].split(", ")
    assert "POST" in allowed["access-control-allow-methods"].split(", ")
    _, refused, _ = await answer(call("OPTIONS", path, origin="https://b.example", **PREFLIGHT))
    assert "access-control-allow-origin" not in refused
    assert "access-control-allow-credentials" not in {**allowed, **refused}


@pytest.mark.parametrize("path", ["/metrics", "/health", "/api/v1/keys"])
async def test_what_is_for_operators_is_for_no_other_page(path: str) -> None:
    _, headers, _ = await answer(call("OPTIONS", path, origin="https://a.example", **PREFLIGHT))
    assert "access-control-allow-origin" not in headers


async def test_a_bug_is_a_500_without_details_and_a_traceback_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    http = call()
    await send(http, b"bug")
    with caplog.at_level(logging.ERROR):
        status, _, body = await answer(http)
    assert status == 500
    assert "secret detail" not in assert_envelope(body, "internal_error")
    assert "KeyError: 'secret detail'" in caplog.text


@pytest.mark.parametrize("announced", [True, False])
async def test_a_body_over_the_limit_is_refused_while_it_arrives(settings: Any, announced: bool) -> None:
    settings.MODELYARD_MAX_BODY_BYTES = 100
    http = call(content_length="101") if announced else call()
    if not announced:
        await send(http, b"x" * 60, more=True)
        await send(http, b"x" * 60, more=True)  # the rest never comes, and is not waited for
    status, _, body = await answer(http)
    assert status == 413
    assert "100 bytes" in assert_envelope(body, "request_too_large")


async def test_a_method_that_is_not_allowed_is_405_in_the_envelope() -> None:
    status, headers, body = await answer(call("DELETE"))
    assert (status, headers["allow"]) == (405, "GET, POST, HEAD, OPTIONS")
    assert_envelope(body, "method_not_allowed")


async def test_head_gets_the_headers_of_get_and_no_body() -> None:
    http = call("HEAD")
    await send(http, b"refuse")
    status, headers, body = await answer(http)
    assert (status, body) == (400, None)
    assert int(headers["content-length"]) > 0


async def test_a_preflight_from_any_page_is_answered() -> None:
    status, headers, _ = await answer(call("OPTIONS", origin="https://example.org"))
    assert status == 204
    assert headers["access-control-allow-origin"] == "*"
    assert "Authorization" in headers["access-control-allow-headers"]
    assert headers["access-control-allow-methods"] == "GET, POST, OPTIONS"


@pytest.mark.parametrize(("given", "kept"), [("abc-1.2:3", True), ("bad\r\nid", False), ("x" * 200, False)])
async def test_a_request_id_is_passed_on_when_it_is_harmless(given: str, kept: bool) -> None:
    _, headers, _ = await answer(call("DELETE", x_request_id=given))
    assert (headers["x-request-id"] == given) is kept
    assert headers["x-request-id"]
