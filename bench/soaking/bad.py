"""Requests that must be refused, each with its status and a sentence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bench.load.target import CHAT, COMPLETIONS, EMBEDDINGS

_MESSAGES = [{"role": "user", "content": "Hello!"}]
# More than any context here holds.
_ENDLESS = "word " * 40_000


@dataclass(frozen=True, slots=True)
class Bad:
    """What no server should honour."""

    path: str
    body: Mapping[str, Any] = field(default_factory=dict)
    content: bytes | None = None
    method: str = "POST"
    status: int = 400


def _chat(**wrong: Any) -> Bad:
    return Bad(CHAT, {"messages": _MESSAGES, **wrong})


BAD = (
    Bad(CHAT, content=b"{"),
    Bad(CHAT, content=b"\xff\xfe"),
    Bad(CHAT, content=b"[]"),
    Bad(CHAT),
    Bad(CHAT, {"messages": []}),
    Bad(CHAT, {"messages": [{"role": "user", "content": _ENDLESS}]}),
    _chat(max_tokens=0),
    _chat(max_tokens=10**9),
    _chat(temperature=9),
    _chat(top_p="much", stream=True),
    _chat(n=0),
    _chat(seed="x"),
    _chat(logit_bias={"x": 1}),
    _chat(top_logprobs=99, logprobs=True),
    _chat(stop=["x"] * 100),
    _chat(response_format={"type": "json_schema"}),
    Bad(CHAT, {"messages": _MESSAGES, "model": "no-such-model"}, status=404),
    Bad(COMPLETIONS, {"prompt": [10**9]}),
    Bad(COMPLETIONS, {"max_tokens": 1}),
    Bad(EMBEDDINGS, {"input": ""}),
    Bad(EMBEDDINGS, {"input": _ENDLESS}),
    Bad("/nothing", status=404),
    Bad(CHAT, method="GET", status=405),
)
