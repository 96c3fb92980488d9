"""The same prompts for everybody, numbered: another number is another prompt from its first token on."""

from __future__ import annotations

from typing import Any

_WORDS = (  # noqa: SIM905 - twenty lines of list say no more
    "river stone maple engine harbour signal paper lantern copper meadow winter orbit garden "
    "violin thunder bridge candle forest marble rocket"
).split()


def words(number: int, count: int) -> str:
    """So many words, in an order that depends on the number."""
    return " ".join(_WORDS[(number * 7 + k * 3 + k // len(_WORDS)) % len(_WORDS)] for k in range(count))


def story(number: int, count: int = 20) -> str:
    """A request for a long text, so that answers reach the limit of their tokens."""
    return f"[{number}] Write a long, detailed story that uses these words: {words(number, count)}."


def chat(text: str, *, max_tokens: int, **more: Any) -> dict[str, Any]:
    """A streamed, greedy chat with the server's own count of tokens at its end."""
    return {
        "messages": [{"role": "user", "content": text}],
        "max_tokens": max_tokens,
        "temperature": 0,
        "stream": True,
        "stream_options": {"include_usage": True},
        **more,
    }
