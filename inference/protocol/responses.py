"""Whole answers of chat completions and completions, as dicts ready for JSON."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from inference.tools.parser import CallDelta

# OpenAI's: there is one here, whatever a request asks for.
SERVICE_TIER = "default"
# What a model thinks aloud is text of its answer here, and nothing predicts it.
_NOTHING_SPECIAL = {
    "reasoning_tokens": 0,
    "audio_tokens": 0,
    "accepted_prediction_tokens": 0,
    "rejected_prediction_tokens": 0,
}


@dataclass(frozen=True, slots=True)
class Identity:
    """What all chunks of one answer share; `created` in Unix seconds."""

    id: str
    created: int
    model: str
    system_fingerprint: str


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of a request, all prompts and choices together; `cached_tokens` of the prompts' were found computed."""

    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int = 0

    def as_dict(self) -> dict[str, Any]:
        """OpenAI's object."""
        total = self.prompt_tokens + self.completion_tokens
        return {
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": self.completion_tokens,
            "total_tokens": total,
            "prompt_tokens_details": {"cached_tokens": self.cached_tokens, "audio_tokens": 0},
            "completion_tokens_details": _NOTHING_SPECIAL,
        }


@dataclass(frozen=True, slots=True)
class Choice:
    """One finished text. `logprobs` is in the endpoint's own format.

    As vLLM has them: `stop_reason` is the stop string or token of the request that ended the text, and
    `prompt_logprobs` has for each token of the prompt the likeliest ones by their ids, None for the first.
    """

    index: int
    text: str
    finish_reason: str
    stop_reason: str | int | None = None
    logprobs: Mapping[str, Any] | None = None
    prompt_logprobs: Sequence[Mapping[str, Any] | None] | None = None
    calls: Sequence[CallDelta] = ()


def chat_identity(model: str, system_fingerprint: str) -> Identity:
    """A fresh one for a chat completion."""
    return _identity("chatcmpl", model, system_fingerprint=system_fingerprint)


def completion_identity(model: str, system_fingerprint: str) -> Identity:
    """A fresh one for a completion."""
    return _identity("cmpl", model, system_fingerprint=system_fingerprint)


def chat_completion(identity: Identity, choices: Sequence[Choice], *, usage: Usage) -> dict[str, Any]:
    """The answer of POST /v1/chat/completions."""
    body = _answer("chat.completion", identity, choices=[_chat_choice(choice) for choice in choices], usage=usage)
    # All choices of a chat have the same prompt.
    return {**body, "service_tier": SERVICE_TIER, **_prompt_logprobs(choices[0])}


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
        "message": _message(choice),
        **_ending(choice),
    }


def _message(choice: Choice) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": choice.text, "refusal": None, "annotations": []}
    if not choice.calls:
        return message
    return {**message, "content": choice.text or None, "tool_calls": [call_object(call) for call in choice.calls]}


def call_object(call: CallDelta) -> dict[str, Any]:
    """OpenAI's object of a call, or of its beginning."""
    function = {"name": call.name, "arguments": call.arguments}
    return {"id": call.id, "type": "function", "function": function}


def _text_choice(choice: Choice) -> dict[str, Any]:
    return {"index": choice.index, "text": choice.text, **_ending(choice), **_prompt_logprobs(choice)}


def _ending(choice: Choice) -> dict[str, Any]:
    return {
        "logprobs": choice.logprobs,
        "finish_reason": choice.finish_reason,
        "stop_reason": choice.stop_reason,
    }


def _prompt_logprobs(choice: Choice) -> dict[str, Any]:
    return {} if choice.prompt_logprobs is None else {"prompt_logprobs": choice.prompt_logprobs}
