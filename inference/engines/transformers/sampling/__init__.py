"""Choosing tokens from logits: the state of each sequence, and one pass over all rows of a step."""

from __future__ import annotations

from inference.engines.transformers.sampling.batch import sample
from inference.engines.transformers.sampling.logprobs import prompt_logprobs
from inference.engines.transformers.sampling.mask import TokenMask
from inference.engines.transformers.sampling.state import Choice, NothingAllowed, SamplerState

__all__ = ["Choice", "NothingAllowed", "SamplerState", "TokenMask", "prompt_logprobs", "sample"]
