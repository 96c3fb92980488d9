"""POST /v1/completions: the request."""

from __future__ import annotations

from typing import Annotated, ClassVar, Self

from pydantic import BeforeValidator, Field, model_validator

from inference.protocol.problems import problem
from inference.protocol.prompts import Prompts, TextOrTokens, prompt_list
from inference.protocol.refusals import COMPLETIONS, Refusal
from inference.protocol.requests import MAX_TOPS
from inference.protocol.response_format import StructuredRequest

# The reference's default, which clients rely on; chat has none.
DEFAULT_MAX_TOKENS = 16


class CompletionRequest(StructuredRequest):
    """Prompts to be continued: each gets `n` choices, in the order of the prompts."""

    refusals: ClassVar[tuple[Refusal, ...]] = COMPLETIONS

    prompt: Annotated[tuple[TextOrTokens, ...], BeforeValidator(prompt_list, json_schema_input_type=Prompts)] = Field(
        description="What to continue: a text, token ids, or a list of either."
    )
    # 0 is for those who only want to know something about the prompt.
    max_tokens: int | None = Field(
        None, ge=0, description=f"The most tokens to generate for one choice. Absent: {DEFAULT_MAX_TOKENS}."
    )
    best_of: int | None = Field(
        None, ge=1, le=128, description="Generates so many, returns the `n` likeliest per token. Not with `stream`."
    )
    logprobs: int | None = Field(
        None,
        ge=0,
        le=MAX_TOPS,
        description="Log probabilities of the tokens, with so many of the likeliest at each place.",
    )
    echo: bool = Field(False, description="The text begins with the prompt.")

    @model_validator(mode="after")
    def _best_of_is_at_least_n(self) -> Self:
        if self.best_of is not None and self.best_of < self.n:
            raise problem(f"must be at least n, which is {self.n}", at="best_of")
        if self.stream and self.candidates > self.n:
            raise problem("must not be greater than n when 'stream' is true", at="best_of")
        return self

    @model_validator(mode="after")
    def _nothing_is_only_generated_for_the_prompt(self) -> Self:
        if self.max_tokens == 0 and not self.echo and self.prompt_logprobs is None:
            raise problem("must be at least 1 without 'echo' or 'prompt_logprobs', not 0", at="max_tokens")
        return self

    @property
    def token_limit(self) -> int:
        """The most tokens to generate for one choice."""
        return DEFAULT_MAX_TOKENS if self.max_tokens is None else self.max_tokens

    @property
    def candidates(self) -> int:
        """How many answers to generate for a prompt; the best `n` are returned."""
        return self.best_of or self.n

    @property
    def tops(self) -> int | None:
        """With how many of the likeliest tokens each one is returned; None: without log probabilities."""
        return self.logprobs

    @property
    def echoes(self) -> bool:
        """Whether an answer begins with its prompt."""
        return self.echo
