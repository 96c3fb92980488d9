"""Log probabilities as answers have them: OpenAI's format for chats, its older one for completions, vLLM's for prompts.

All are natural logarithms. A token's text is that of its bytes alone: where it is a part of a character, a replacement
character stands for it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from inference.engines.base import TokenLogprob

TokenBytes = Callable[[int], bytes]
# A token, and what is known of it: nothing of the first one of a prompt.
Scored = tuple[int, TokenLogprob | None]

# JSON has no infinity; OpenAI's documentation says this for 'as good as impossible'.
_IMPOSSIBLE = -9999.0
# The two highest bits of a byte that continues a UTF-8 character.
_MASK, _CONTINUES = 0xC0, 0x80


class Logprobs(ABC):
    """The log probabilities of one choice, its tokens in order; `tops` of the likeliest are shown at each place."""

    def __init__(self, token_bytes: TokenBytes, tops: int) -> None:
        self._bytes = token_bytes
        self._tops = tops
        # In characters from the choice's beginning: where the next token's text begins.
        self._offset = 0

    @abstractmethod
    def render(self, tokens: Sequence[Scored]) -> dict[str, Any]:
        """The object for the tokens that come next."""

    def follow(self, prompt_ids: Iterable[int], text: str) -> None:
        """The choice begins with this prompt, whose tokens are the next."""
        # They end where the text does: what the tokenizer put before it, such as a special token, takes no place.
        self._offset = len(text) - sum(_begun(self._bytes(token_id)) for token_id in prompt_ids)

    def _text(self, token_id: int) -> str:
        return _text_of(self._bytes(token_id))


class ChatLogprobs(Logprobs):
    """`{"content": [{"token", "logprob", "bytes", "top_logprobs"}], "refusal": null}`."""

    def render(self, tokens: Sequence[Scored]) -> dict[str, Any]:
        """The object for the tokens that come next."""
        return {"content": [self._scored(known) for _, known in tokens if known is not None], "refusal": None}

    def _scored(self, known: TokenLogprob) -> dict[str, Any]:
        tops = [self._entry(token_id, logprob) for token_id, logprob in known.top[: self._tops]]
        return {**self._entry(known.token_id, known.logprob), "top_logprobs": tops}

    def _entry(self, token_id: int, logprob: float) -> dict[str, Any]:
        raw = self._bytes(token_id)
        return {"token": _text_of(raw), "logprob": _finite(logprob), "bytes": list(raw) or None}


class CompletionLogprobs(Logprobs):
    """Four lists, an item a token: `tokens`, `token_logprobs`, `top_logprobs`, and `text_offset` in characters."""

    def render(self, tokens: Sequence[Scored]) -> dict[str, Any]:
        """The object for the tokens that come next."""
        raws = [self._bytes(token_id) for token_id, _ in tokens]
        return {
            "tokens": [_text_of(raw) for raw in raws],
            "token_logprobs": [None if known is None else _finite(known.logprob) for _, known in tokens],
            "top_logprobs": [None if known is None else self._alternatives(known) for _, known in tokens],
            "text_offset": [self._pass(raw) for raw in raws],
        }

    def _alternatives(self, known: TokenLogprob) -> dict[str, float]:
        # As OpenAI has it the token itself is always there, so there may be one more than asked for. Where two tokens
        # read the same, the likelier one stays: whether the token was the best choice can be seen from the highest.
        by_text: dict[str, float] = {}
        for token_id, logprob in (*known.top[: self._tops], (known.token_id, known.logprob)):
            by_text.setdefault(self._text(token_id), _finite(logprob))
        return by_text

    def _pass(self, raw: bytes) -> int:
        """Where a token begins; one that goes on with a character begins where the character does."""
        inside = bool(raw) and self._offset > 0 and raw[0] & _MASK == _CONTINUES
        at = self._offset - inside
        self._offset += _begun(raw)
        return max(0, at)


def prompt_logprobs(
    entries: Iterable[TokenLogprob | None], token_bytes: TokenBytes, *, tops: int
) -> list[dict[str, Any] | None]:
    """By token id: the likeliest tokens with their ranks, and the prompt's own; its rank is known among those only."""
    return [None if known is None else _ranked(known, token_bytes, tops=tops) for known in entries]


def _ranked(known: TokenLogprob, token_bytes: TokenBytes, *, tops: int) -> dict[str, Any]:
    ranks = {token_id: rank for rank, (token_id, _) in enumerate(known.top, 1)}
    return {
        str(token_id): {
            "logprob": _finite(logprob),
            "rank": ranks.get(token_id),
            "decoded_token": _text_of(token_bytes(token_id)),
        }
        for token_id, logprob in dict((*known.top[:tops], (known.token_id, known.logprob))).items()
    }


def _begun(raw: bytes) -> int:
    """How many characters have their first byte here."""
    return sum(byte & _MASK != _CONTINUES for byte in raw)


def _text_of(raw: bytes) -> str:
    return raw.decode(errors="replace")


def _finite(logprob: float) -> float:
    return max(logprob, _IMPOSSIBLE)
