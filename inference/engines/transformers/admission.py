"""Whether a request can be answered at all: pure checks, with the numbers in the refusal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from inference.engines.base import SamplingParams
from inference.engines.transformers.defaults import SamplingDefaults
from inference.engines.transformers.sequence import Request
from inference.errors import InvalidRequest

_TOO_LONG = "context_length_exceeded"


@dataclass(frozen=True, slots=True)
class Limits:
    """What a loaded model sets for every request. `vocabulary` is the number of token ids that it has vectors for."""

    context_length: int
    vocabulary: int
    stop_ids: frozenset[int]
    defaults: SamplingDefaults


def admit(prompt_ids: Sequence[int], params: SamplingParams, limits: Limits) -> Request:
    """The complete request. Raises `InvalidRequest` when the prompt, or what it asks for, does not fit."""
    check_tokens(prompt_ids, limits.vocabulary)
    room = limits.context_length - len(prompt_ids)
    if room < 1:
        raise InvalidRequest(_no_room(len(prompt_ids), limits.context_length), "messages", code=_TOO_LONG)
    if params.max_tokens is not None and params.max_tokens > room:
        raise InvalidRequest(_too_much(len(prompt_ids), params.max_tokens, limits), "max_tokens", code=_TOO_LONG)
    return Request(
        prompt_ids=prompt_ids,
        sampling=limits.defaults.merged(params),
        max_tokens=room if params.max_tokens is None else params.max_tokens,
        stop_ids=frozenset() if params.ignore_eos else limits.stop_ids,
    )


def check_input(token_ids: Sequence[int], longest: int, vocabulary: int) -> None:
    """Raise `InvalidRequest` when a text to embed has more tokens than the model takes, or unknown ones."""
    check_tokens(token_ids, vocabulary)
    if len(token_ids) > longest:
        message = f"The model takes at most {longest} tokens, but an input has {len(token_ids)}. Split or shorten it."
        raise InvalidRequest(message, "input", code=_TOO_LONG)


def check_tokens(token_ids: Sequence[int], vocabulary: int) -> None:
    """Raise `InvalidRequest` for no tokens, or ids that the model has no vectors for."""
    if not token_ids:
        raise InvalidRequest("The prompt has no tokens. Send some text.", "prompt")
    highest = max(token_ids)
    if highest >= vocabulary or min(token_ids) < 0:
        message = f"The prompt has the token id {highest}, but the model's ids go from 0 to {vocabulary - 1}."
        raise InvalidRequest(message, "prompt")


def _no_room(length: int, context: int) -> str:
    return f"The model's context holds {context} tokens, but the prompt alone has {length}. Shorten the messages."


def _too_much(length: int, wanted: int, limits: Limits) -> str:
    return (
        f"The model's context holds {limits.context_length} tokens, but {length + wanted} are asked for: {length} in "
        f"the prompt and {wanted} to generate. Shorten the prompt, or ask for {limits.context_length - length} at most."
    )
