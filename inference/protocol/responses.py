"""Whole answers of chat completions and completions, as dicts ready for JSON."""

from __future__ import annotations

import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Identity:
    """What all chunks of one answer share; `created` in Unix seconds."""

    id: str
    created: int
    model: str
    system_fingerprint: str


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of a request, all prompts and choices together."""

    prompt_tokens: int
    completion_tokens: int

    def as_dict(self) -> dict[str, int]:
        """OpenAI's object."""
        total = self.prompt_tokens + self.completion_tokens
        return {
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": self.completion_tokens,
            "total_tokens": total,
        }


@dataclass(frozen=True, slots=True)
class Choice:
    """One finished text."""

    index: int
    text: str
    finish_reason: str


def chat_identity(model: str, system_fingerprint: str) -> Identity:
    """A fresh one for a chat completion."""
    return _identity("chatcmpl", model, system_fingerprint=system_fingerprint)


def completion_identity(model: str, system_fingerprint: str) -> Identity:
    """A fresh one for a completion."""
    return _identity("cmpl", model, system_fingerprint=system_fingerprint)


def chat_completion(identity: Identity, choices: Sequence[Choice], *, usage: Usage) -> dict[str, Any]:
    """The answer of POST /v1/chat/completions."""
    return _answer("chat.completion", identity, choices=[_chat_choice(choice) for choice in choices], usage=usage)


def completion(identity: Identity, choices: Sequence[Choice], *, usage: Usage) -> dict[str, Any]:
    """The answer of POST /v1/completions."""
    return _answer("text_completion", identity, choices=[_text_choice(choice) for choice in choices], usage=usage)


def _identity(prefix: str, model: str, *, system_fingerprint: str) -> Identity:
    return Identity(f"{prefix}-{uuid.uuid4().hex}", int(time.time()), model, system_fingerprint)


def _answer(kind: str, identity: Identity, *, choices: list[dict[str, Any]], usage: Usage) -> dict[str, Any]:
    return {
        "id": identity.id,
        "object": kind,
        "created": identity.created,
        "model": identity.model,
        "choices": choices,
        "usage": usage.as_dict(),
        "system_fingerprint": identity.system_fingerprint,
    }


def _chat_choice(choice: Choice) -> dict[str, Any]:
    return {
        "index": choice.index,
        "message": {"role": "assistant", "content": choice.text, "refusal": None},
        "logprobs": None,
        "finish_reason": choice.finish_reason,
    }


def _text_choice(choice: Choice) -> dict[str, Any]:
    return {"index": choice.index, "text": choice.text, "logprobs": None, "finish_reason": choice.finish_reason}
