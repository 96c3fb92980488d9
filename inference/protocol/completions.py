"""POST /v1/completions: the request."""

from __future__ import annotations

from typing import Annotated, ClassVar, Self

from pydantic import BeforeValidator, Field, model_validator

from inference.protocol.problems import problem
from inference.protocol.prompts import TextOrTokens, prompt_list
from inference.protocol.refusals import COMPLETIONS, Refusal
from inference.protocol.requests import GenerationRequest

# The reference's default, which clients rely on; chat has none.
DEFAULT_MAX_TOKENS = 16


class CompletionRequest(GenerationRequest):
    """Prompts to be continued: each gets `n` choices, in the order of the prompts."""

    refusals: ClassVar[tuple[Refusal, ...]] = COMPLETIONS

    prompt: Annotated[tuple[TextOrTokens, ...], BeforeValidator(prompt_list)]
    best_of: int | None = Field(None, ge=1, le=20)

    @model_validator(mode="after")
    def _best_of_is_n(self) -> Self:
        if self.best_of is not None and self.best_of < self.n:
            raise problem(f"must be at least n, which is {self.n}", at="best_of")
        if self.best_of is not None and self.best_of > self.n:
            raise problem("is not supported by this server when it is greater than n", at="best_of")
        return self

    @property
    def token_limit(self) -> int:
        """The most tokens to generate for one choice."""
        return self.max_tokens or DEFAULT_MAX_TOKENS
