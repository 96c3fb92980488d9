"""What is compressed on its way to a browser, and what is not."""

from __future__ import annotations

import gzip
from collections.abc import AsyncIterator

import pytest
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.test import Client

from modelyard.compression import Compression

TEXT = b"body { color: blue }\n" * 100


def answered(response: HttpResponseBase) -> HttpResponseBase:
    request = HttpRequest()
    request.META["HTTP_ACCEPT_ENCODING"] = "gzip, br"
    return Compression(lambda _: response)(request)  # type: ignore[return-value]  # it is no coroutine here


async def lines() -> AsyncIterator[bytes]:
    yield TEXT


def test_a_style_comes_compressed_and_says_so() -> None:
    found = Client().get("/static/pages/chat.css", headers={"accept-encoding": "gzip"})
    assert found.headers["Content-Encoding"] == "gzip"
    whole = Client().get("/static/pages/chat.css")
    assert gzip.decompress(found.getvalue()) == whole.getvalue()
    assert "Accept-Encoding" in whole.headers["Vary"]


def test_a_page_comes_compressed() -> None:
    found = answered(HttpResponse(TEXT))
    assert isinstance(found, HttpResponse)
    assert len(found.content) < len(TEXT) / 5
    assert gzip.decompress(found.content) == TEXT


@pytest.mark.parametrize(
    "response",
    [
        HttpResponse(TEXT, content_type="font/woff2"),
        HttpResponse(TEXT, status=206),
        StreamingHttpResponse(lines(), content_type="text/csv"),
    ],
    ids=["font", "part", "export"],
)
def test_what_is_compressed_already_a_part_or_an_export_is_left_alone(response: HttpResponseBase) -> None:
    assert not answered(response).has_header("Content-Encoding")
