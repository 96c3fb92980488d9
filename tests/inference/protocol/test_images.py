"""From where images may come: to the letter, or not at all."""

from __future__ import annotations

from typing import Any

import pytest

from inference.protocol.chat import ChatCompletionRequest
from inference.protocol.content import check_parts
from inference.protocol.errors import BadRequest
from inference.protocol.images import image_hosts, refusal

HOSTS = image_hosts("images.example.org, CDN.example.org:8443")
DATA = "data:image/png;base64,iVBORw0KGgo="


def chat(url: Any, **part: Any) -> dict[str, Any]:
    image = {"type": "image_url", "image_url": {"url": url}} | part
    return {"model": "m", "messages": [{"role": "user", "content": [{"type": "text", "text": "What is it?"}, image]}]}


@pytest.mark.parametrize(
    "url",
    [
        DATA,
        DATA.replace("data:image/png", "DATA:image/svg+xml"),
        "https://images.example.org",
        "http://images.example.org/a/b.png?size=1&at=u@v#x",
        "HTTPS://Images.Example.ORG/a.png",
        "https://cdn.example.org:8443/a.png",
    ],
)
def test_what_is_listed_may_be_fetched_and_what_is_sent_need_not_be(url: str) -> None:
    assert refusal(url, HOSTS) == ""


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/",
        "http://2130706433/",
        "http://0x7f.1/",
        "http://0177.0.0.1/",
        "http://[::1]/",
        "http://[::ffff:127.0.0.1]/",
        "http://169.254.169.254/latest/meta-data/",
        "http://localhost/",
        "https://images.example.org.evil.com/",
        "https://evil.com/images.example.org",
        "https://images.example.org./",
        "https://images.example.org:443/",
        "https://images.example.org:22/",
        "https://cdn.example.org/",
        "https://images.example.org@evil.com/",
        "https://images.example.org:x@evil.com/",
        "https://evil.com#@images.example.org/",
        "https://evil.com?images.example.org/",
        "https://images.example.org?@evil.com/",
        "https://images.example.org#@evil.com/",
        "https://evil.com\\@images.example.org/",
        "https://images.example.org\\@evil.com/",
        "https://images.example.org\\.evil.com/",
        "https://images.example.org/\\evil",
        "https://images.example.org/\r\nHost: evil.com",
        "https://images.example.org\t.evil.com/",
        "https://images%2eexample.org/",
        "https://ımages.example.org/",
        "https://images。example。org/",
        " https://images.example.org/",
        "https://images.example.org/\n",
        "https:images.example.org/",
        "https:///images.example.org/",
        "//images.example.org/",
        "images.example.org",
        "file:///etc/passwd",
        "ftp://images.example.org/",
        "gopher://images.example.org/",
        "javascript:alert(1)",
        "",
        "data:text/html;base64,AAAA",
        "data:image/png,raw",
        "data:image/png;base64,",
    ],
)
def test_no_other_spelling_gets_through(url: str) -> None:
    assert refusal(url, HOSTS)
    assert refusal(url, frozenset())


def test_without_a_list_nothing_is_fetched() -> None:
    assert "fetches none" in refusal("https://images.example.org/", frozenset())


@pytest.mark.parametrize(
    "names", ["*", "*.example.org", "https://a.org", "a.org/x", "u@a.org", "a b", "a.org:0", "ä.org"]
)
def test_a_list_has_names_only(names: str) -> None:
    with pytest.raises(ValueError, match="say host names"):
        image_hosts(names)


def test_a_request_says_how_many_images_it_has() -> None:
    request = ChatCompletionRequest.parse(chat(DATA), images=HOSTS)
    assert (request.messages[0].content, request.messages[0].images) == ("What is it?", 1)
    lying = {"model": "m", "messages": [{"role": "user", "content": "x", "images": 3}]}
    assert ChatCompletionRequest.parse(lying).messages[0].images == 0
    assert "images" not in request.messages[0].for_template()


@pytest.mark.parametrize(
    ("body", "param", "says"),
    [
        (chat("http://10.0.0.1/"), "messages[0].content[1].image_url.url", "names a host"),
        (chat(7), "messages[0].content[1].image_url.url", "must be a string, not an integer"),
        (chat("", image_url=DATA), "messages[0].content[1].image_url", "must be an object"),
        (chat("", type="input_audio"), "messages[0].content[1].type", "leave the audio out"),
        (chat("", type="video_url"), "messages[0].content[1].type", "leave the video out"),
        (chat("", type="file"), "messages[0].content[1].type", "leave the file out"),
    ],
)
def test_a_refusal_names_the_part_also_where_bodies_go_on_as_they_are(
    body: dict[str, Any], param: str, *, says: str
) -> None:
    for check in (lambda: ChatCompletionRequest.parse(body, images=HOSTS), lambda: check_parts(body, HOSTS)):
        with pytest.raises(BadRequest, match=says) as caught:
            check()
        assert caught.value.param == param


def test_what_is_no_chat_passes_by() -> None:
    for messages in (None, "x", ["x", {"content": "x"}, {"content": None}]):
        check_parts({"messages": messages}, frozenset())
    check_parts(chat(DATA), frozenset())
