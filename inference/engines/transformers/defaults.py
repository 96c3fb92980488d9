"""Sampling values of a request: its own, else the model's generation_config.json, else neutral."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from inference.engines.base import SamplingParams
from inference.errors import LoadError
from inference.protocol.causes import Cause


@dataclass(frozen=True, slots=True)
class Sampling:
    """How to choose tokens, with every value decided. `seed` None is a fresh one; `logprobs` None asks for none."""

    temperature: float = 1.0
    top_p: float = 1.0
    top_k: int = 0
    min_p: float = 0.0
    presence_penalty: float = 0.0
    frequency_penalty: float = 0.0
    repetition_penalty: float = 1.0
    seed: int | None = None
    logit_bias: Mapping[int, float] = field(default_factory=dict)
    min_tokens: int = 0
    logprobs: int | None = None
    prompt_logprobs: int | None = None


@dataclass(frozen=True, slots=True)
class SamplingDefaults:
    """What generation_config.json says; the neutral values where it says nothing.

    Its `do_sample` is not looked at: it is a switch of `generate()`, set to false in many files that recommend a
    temperature, while a request without a temperature means OpenAI's default, 1.0. A request that wants the most
    likely tokens says `temperature: 0`.
    """

    temperature: float = 1.0
    top_p: float = 1.0
    top_k: int = 0
    min_p: float = 0.0
    repetition_penalty: float = 1.0

    @classmethod
    def read(cls, generation_config: Mapping[str, Any]) -> SamplingDefaults:
        """From the file's content. Raises `LoadError` when a value is no number."""
        own = {name: generation_config.get(name) for name in cls.__dataclass_fields__}
        for name, value in own.items():
            if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
                reason = f"generation_config has {name} = {value!r}, which is no number."
                raise LoadError(reason, Cause.OPTIONS, hint="Correct it.")
        return cls(**{name: value for name, value in own.items() if value is not None})

    def merged(self, params: SamplingParams) -> Sampling:
        """The values for one request."""
        chosen = {
            name: value if (value := getattr(params, name)) is not None else getattr(self, name)
            for name in self.__dataclass_fields__
        }
        return Sampling(
            **chosen,
            presence_penalty=params.presence_penalty,
            frequency_penalty=params.frequency_penalty,
            seed=params.seed,
            logit_bias=params.logit_bias,
            min_tokens=params.min_tokens,
            logprobs=params.logprobs,
            prompt_logprobs=params.prompt_logprobs,
        )


def stop_token_ids(*sources: Any) -> frozenset[int]:
    """The ids that end an answer, from generation_config, config and tokenizer: each an id, a list of ids or None."""
    ids: set[int] = set()
    for source in sources:
        if isinstance(source, Iterable):
            ids.update(int(token_id) for token_id in source)
        elif source is not None:
            ids.add(int(source))
    return frozenset(ids)
