"""Every field of a request is honoured, ignored or refused, as docs/api.md says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from official import SCHEMAS

from inference.protocol.chat import ChatCompletionRequest
from inference.protocol.completions import CompletionRequest
from inference.protocol.embeddings import EmbeddingRequest
from inference.protocol.errors import BadRequest
from inference.protocol.refusals import listed
from inference.protocol.requests import ApiRequest
from inference.protocol.tokens import DetokenizeRequest, TokenizeRequest

DOCS = (Path(__file__).parents[3] / "docs" / "api.md").read_text(encoding="utf-8")
REQUESTS: dict[str, type[ApiRequest]] = {
    "/v1/chat/completions": ChatCompletionRequest,
    "/v1/completions": CompletionRequest,
    "/v1/embeddings": EmbeddingRequest,
    "/tokenize": TokenizeRequest,
    "/detokenize": DetokenizeRequest,
}
HELLO = {"model": "m", "messages": [{"role": "user", "content": "hello"}]}


def documented(path: str) -> dict[str, set[str]]:
    """The fields of an endpoint's table, by what happens to them."""
    section = DOCS.partition("## Fields")[2].partition(f"\n`POST {path}`")[2]
    table = section[section.index("|---") :].partition("\n\n")[0]
    found: dict[str, set[str]] = {"honoured": set(), "ignored": set(), "refused": set()}
    for names, fate in re.findall(r"^\| ([^|]+) \| (honoured|ignored|refused) \|", table, re.MULTILINE):
        found[fate] |= set(re.findall(r"`(\w+)`", names))
    return found


@pytest.mark.parametrize("path", REQUESTS)
def test_the_table_says_what_happens_to_each_field(path: str) -> None:
    kind = REQUESTS[path]
    assert documented(path) == {
        "honoured": kind.model_fields.keys() - kind.idle,
        "ignored": set(kind.idle),
        "refused": {refusal.param for refusal in kind.refusals},
    }


@pytest.mark.parametrize("endpoint", ["chat", "completions", "embeddings"])
def test_no_field_of_the_official_description_is_left_out(endpoint: str) -> None:
    path = {"chat": "/v1/chat/completions"}.get(endpoint, f"/v1/{endpoint}")
    assert set(SCHEMAS["requests"][endpoint]) <= set().union(*documented(path).values())


def test_what_has_no_effect_is_named_and_a_null_is_not() -> None:
    body = HELLO | {"seed": 1, "store": True, "invented": [], "user": None, "modalities": ["text"]}
    assert ChatCompletionRequest.ignored(body) == ["invented", "store"]
    assert listed(["a\r\nb", "ü"]) == "a%0D%0Ab, %C3%BC"


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"metadata": {"a": 1}}, "metadata.a"),
        ({"service_tier": "best"}, "service_tier"),
        ({"store": "yes"}, "store"),
        ({"reasoning_effort": 3}, "reasoning_effort"),
        ({"functions": [{"name": "f"}]}, "functions"),
    ],
)
def test_also_what_is_ignored_has_to_be_right(fields: dict[str, object], param: str) -> None:
    with pytest.raises(BadRequest) as caught:
        ChatCompletionRequest.parse(HELLO | fields)
    assert caught.value.param == param
