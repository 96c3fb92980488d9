"""What a request may take at most, before anybody counted its tokens.

A token of a byte-level or byte-fallback vocabulary is at least one byte of UTF-8, so bytes bound a text's tokens from
above; bytes / 4, what English usually takes, bounds nothing (digits and other scripts take up to one a byte). A chat
template adds its own words. No prompt and its answer together are longer than the context, which bounds what long
texts are taken for. So what is reserved is too much, never too little, and what was too much comes back at the end.
(A tokenizer that first makes the text longer, as NFKC does with a few ligatures, can break the bound: then the
difference is owed, and the bucket goes below zero.)
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from inference.protocol.chat import ChatCompletionRequest
from inference.protocol.completions import CompletionRequest
from inference.protocol.embeddings import EmbeddingRequest
from inference.protocol.errors import BadRequest
from inference.protocol.prompts import TextOrTokens
from inference.protocol.requests import ApiRequest, GenerationRequest
from openai_api.limits.facts import LimitFacts

# What the widest templates that we know write by themselves: SmolLM3's instructions, or the frame around tools.
TEMPLATE_TOKENS = 512
MESSAGE_TOKENS = 8  # the marks around one message
MOST_TOKENS = 1 << 40  # a client may ask for more than the database can count
UNKNOWN_TOKENS = 1 << 20  # what a model makes of an image: up to its whole context
TEXT_TOKENS = 2  # begin and end, or the blank that SentencePiece puts before a text


@dataclass(frozen=True, slots=True)
class Demand:
    """Tokens to reserve, and the fields that keep the answer within them."""

    tokens: int
    changes: Mapping[str, Any] = field(default_factory=dict)


def demand(request: ApiRequest, limits: Sequence[LimitFacts], *, context: int | None) -> Demand:
    """What to reserve. Raises 400 for a request that wants more than a limit lets any request have."""
    prompts = _capped(_prompts(request), context)
    if not isinstance(request, GenerationRequest):
        _check_context(limits, max(prompts, default=0), output=0, param="input")
        return Demand(sum(prompts))
    answers = request.candidates * len(prompts)
    if (asked := request.token_limit) is not None and not _is_default(request):
        param = _param(request)
        _check_output(limits, asked, param=param)
        _check_context(limits, max(prompts), output=asked, param=param)
        return Demand(sum(prompts) + answers * _least(asked, context))
    _check_context(limits, max(prompts), output=1, param=_prompt_param(request))
    return _left(request, limits, prompts=prompts, context=context)


def _left(
    request: GenerationRequest, limits: Sequence[LimitFacts], *, prompts: Sequence[int], context: int | None
) -> Demand:
    """What limits and context leave for a request that does not say how long its answers may be."""
    answers = request.candidates * len(prompts)
    budget = min((cap for limit in limits for cap in limit.budgets if cap is not None), default=None)
    rooms = [request.token_limit, *(limit.max_output for limit in limits)]
    rooms += [limit.max_context - max(prompts) for limit in limits if limit.max_context is not None]
    if budget is not None:
        rooms.append((budget - sum(prompts)) // answers)
    bounds = [max(1, room) for room in rooms if room is not None]
    if not bounds:
        # Then nothing counts tokens: only requests are limited.
        return Demand(sum(prompts))
    # The context may leave more than what is left of our estimate, so it bounds only what is reserved.
    output = min(bounds)
    return Demand(sum(prompts) + answers * _least(output, context), {"max_tokens": output})


def _prompts(request: ApiRequest) -> list[int]:
    if isinstance(request, ChatCompletionRequest):
        return [_chat_tokens(request)]
    if isinstance(request, CompletionRequest):
        return [_tokens(prompt) for prompt in request.prompt]
    return [_tokens(text) for text in request.input] if isinstance(request, EmbeddingRequest) else []


def _chat_tokens(request: ChatCompletionRequest) -> int:
    if any(message.images for message in request.messages):
        return UNKNOWN_TOKENS
    # As JSON, for what a template writes out of calls, tools and its own variables.
    parts: Iterable[Any] = (message.model_dump(exclude_none=True) for message in request.messages)
    tools = [tool.model_dump(exclude_none=True) for tool in request.usable_tools]
    extras = _json_bytes(tools) + _json_bytes(request.chat_template_kwargs)
    return TEMPLATE_TOKENS + extras + sum(MESSAGE_TOKENS + _json_bytes(part) for part in parts)


def _tokens(prompt: TextOrTokens) -> int:
    return TEXT_TOKENS + (len(prompt.encode(errors="replace")) if isinstance(prompt, str) else len(prompt))


def _json_bytes(value: Any) -> int:
    return len(orjson.dumps(value, default=str))


def _capped(prompts: Sequence[int], context: int | None) -> list[int]:
    return [_least(tokens, context) for tokens in prompts]


def _least(tokens: int, context: int | None) -> int:
    return min(tokens, MOST_TOKENS if context is None else context)


def _is_default(request: GenerationRequest) -> bool:
    return request.max_tokens is None and getattr(request, "max_completion_tokens", None) is None


def _param(request: GenerationRequest) -> str:
    return "max_completion_tokens" if getattr(request, "max_completion_tokens", None) else "max_tokens"


def _prompt_param(request: GenerationRequest) -> str:
    return "messages" if isinstance(request, ChatCompletionRequest) else "prompt"


def _check_output(limits: Sequence[LimitFacts], asked: int, *, param: str) -> None:
    for limit in limits:
        if limit.max_output is not None and asked > limit.max_output:
            message = f"'{param}' must be at most {limit.max_output} for {limit.whose}, not {asked}."
            raise BadRequest(message, param=param)


def _check_context(limits: Sequence[LimitFacts], prompt: int, *, output: int, param: str) -> None:
    for limit in limits:
        if limit.max_context is not None and prompt + output > limit.max_context:
            message = (
                f"One request of {limit.whose} may have at most {limit.max_context} tokens; this one may come to "
                f"{prompt + output}: {prompt} for the prompt, where each byte of text counts as a token, and {output} "
                "for the answer."
            )
            raise BadRequest(message, param=param, code="context_length_exceeded")
