"""The options of the transformers engine, checked strictly."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from inference.errors import LoadError
from inference.protocol.causes import Cause
from inference.protocol.problems import bad_request


class TransformersOptions(BaseModel):
    """How a model is loaded and run.

    `dtype` auto is the type of the weights. `device` auto is the first CUDA device, else the CPU. `context_length` may
    only be lower than the model's own. `threads` None is every core that this process may run on. `chat_template` is
    the text of a template that replaces the tokenizer's. `generation_config` replaces values of the model's own
    generation_config.json, such as {"temperature": 0.2}.
    """

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")

    dtype: Literal["auto", "float32", "float16", "bfloat16"] = "auto"
    device: Literal["auto", "cpu", "cuda"] = "auto"
    trust_remote_code: bool = False
    context_length: int | None = Field(None, ge=1)
    threads: int | None = Field(None, ge=1, le=1024)
    chat_template: str | None = Field(None, min_length=1)
    generation_config: dict[str, Any] = Field(default_factory=dict)

    @classmethod
    def parse(cls, raw: Mapping[str, Any]) -> Self:
        """The options of a launch. Raises `LoadError` for one that is unknown or cannot be."""
        unknown = sorted(raw.keys() - cls.model_fields.keys())
        if unknown:
            known = ", ".join(cls.model_fields)
            reason = f"The engine 'transformers' has no option '{unknown[0]}'."
            raise LoadError(reason, Cause.OPTIONS, hint=f"It has: {known}.")
        try:
            return cls.model_validate(dict(raw))
        except ValidationError as error:
            reason = f"An option of the engine 'transformers' cannot be used: {bad_request(error)}"
            raise LoadError(reason, Cause.OPTIONS) from error

    @property
    def thread_count(self) -> int:
        """Threads for the matrix kernels."""
        return self.threads or len(os.sched_getaffinity(0))
