"""Whether a request can be answered at all: pure checks, with the numbers in the refusal."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from inference.engines.base import SamplingParams
from inference.engines.transformers.defaults import SamplingDefaults
from inference.engines.transformers.sequence import Request
from inference.errors import InvalidRequest

_TOO_LONG = "context_length_exceeded"
# Of the likeliest tokens so many can be told, as in OpenAI's API.
_MOST_LOGPROBS = 20


@dataclass(frozen=True, slots=True)
class Limits:
    """What a loaded model sets for every request. `vocabulary` is the number of token ids that it has vectors for.

    The key-value cache sets none: it holds one whole context at least.
    """

    context_length: int
    vocabulary: int
    stop_ids: frozenset[int]
    defaults: SamplingDefaults


def admit(prompt_ids: Sequence[int], params: SamplingParams, limits: Limits) -> Request:
    """The complete request. Raises `InvalidRequest` when the prompt, or what it asks for, does not fit."""
    check_tokens(prompt_ids, limits.vocabulary)
    check_ids(params.logit_bias, "logit_bias", limits.vocabulary)
    check_ids(params.stop_token_ids, "stop_token_ids", limits.vocabulary)
    _check_logprobs(params.logprobs, "logprobs")
    _check_logprobs(params.prompt_logprobs, "prompt_logprobs")
    max_tokens = _max_tokens(len(prompt_ids), params.max_tokens, limits)
    if params.min_tokens > max_tokens:
        message = (
            f"'min_tokens' asks for {params.min_tokens} tokens, but at most {max_tokens} may be generated. Lower it."
        )
        raise InvalidRequest(message, "min_tokens")
    named = frozenset(params.stop_token_ids)
    return Request(
        prompt_ids=prompt_ids,
        sampling=limits.defaults.merged(params),
        max_tokens=max_tokens,
        stop_ids=named if params.ignore_eos else limits.stop_ids | named,
        named_stop_ids=named,
        include_stop=params.include_stop,
    )


def check_input(token_ids: Sequence[int], longest: int, vocabulary: int) -> None:
    """Raise `InvalidRequest` when a text to embed has more tokens than the model takes, or unknown ones."""
    check_tokens(token_ids, vocabulary, field="input")
    if len(token_ids) > longest:
        message = f"The model takes at most {longest} tokens, but an input has {len(token_ids)}. Split or shorten it."
        raise InvalidRequest(message, "input", code=_TOO_LONG)


def check_tokens(token_ids: Sequence[int], vocabulary: int, *, field: str = "prompt") -> None:
    """Raise `InvalidRequest` for no tokens, or ids that the model has no vectors for."""
    if not token_ids:
        raise InvalidRequest(f"The {field} has no tokens. Send some text.", field)
    check_ids(token_ids, field, vocabulary)


def check_ids(token_ids: Collection[int], field: str, vocabulary: int) -> None:
    """Raise `InvalidRequest` for ids that the model does not have; `field` is what the client calls them."""
    for token_id in (min(token_ids, default=0), max(token_ids, default=0)):
        if not 0 <= token_id < vocabulary:
            message = f"'{field}' has the token id {token_id}, but the model's ids go from 0 to {vocabulary - 1}."
            raise InvalidRequest(message, field)


def _check_logprobs(count: int | None, field: str) -> None:
    if count is not None and not 0 <= count <= _MOST_LOGPROBS:
        message = f"'{field}' asks for the {count} likeliest tokens; ask for 0 to {_MOST_LOGPROBS}."
        raise InvalidRequest(message, field)


def _max_tokens(length: int, wanted: int | None, limits: Limits) -> int:
    """What may be generated after a prompt of `length` tokens."""
    context = limits.context_length
    # 0 when only the prompt's log probabilities are wanted.
    needed = 1 if wanted is None else wanted
    if length + min(needed, 1) > context:
        raise InvalidRequest(_no_room(length, context), "messages", code=_TOO_LONG)
    if length + needed > context:
        raise InvalidRequest(_too_much(length, needed, context), "max_tokens", code=_TOO_LONG)
    return context - length if wanted is None else wanted


def _no_room(length: int, context: int) -> str:
    return f"The model's context holds {context} tokens, but the prompt alone has {length}. Shorten the messages."


def _too_much(length: int, wanted: int, context: int) -> str:
    return (
        f"The model's context holds {context} tokens, but {length + wanted} are asked for: {length} in "
        f"the prompt and {wanted} to generate. Shorten the prompt, or ask for {context - length} at most."
    )
