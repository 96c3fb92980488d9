"""The way through the model: token ids in, logits out, a key-value cache for each sequence in between."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any, Protocol

import torch
from torch import Tensor

Cache = Any


class Forward(Protocol):
    """What the decode loop needs of a model."""

    def new_cache(self) -> Cache:
        """An empty cache for one sequence."""

    def next_logits(self, cache: Cache, token_ids: Sequence[int]) -> Tensor:
        """Append the tokens to the sequence, and give the logits [vocabulary] after the last of them."""


class HuggingFaceForward:
    """Any causal model of the library, through its own forward, one sequence at a time.

    A sequence computed alone has the same logits whoever else runs: that is what makes seeds exact here.
    """

    def __init__(self, model: Any, device: str) -> None:
        self._model = model
        self._device = device
        # Most models can leave out the logits of all positions but the last, which a long prompt makes gigabytes.
        takes = inspect.signature(model.forward).parameters
        self._arguments: dict[str, Any] = {"logits_to_keep": 1} if "logits_to_keep" in takes else {}

    def new_cache(self) -> Cache:
        """An empty cache of the kinds (full, sliding window) that the model's layers need."""
        from transformers import DynamicCache

        return DynamicCache(config=self._model.config)

    def next_logits(self, cache: Cache, token_ids: Sequence[int]) -> Tensor:
        """See `Forward.next_logits`."""
        ids = torch.tensor([token_ids], device=self._device)
        output = self._model(input_ids=ids, past_key_values=cache, use_cache=True, **self._arguments)
        logits: Tensor = output.logits[0, -1]
        return logits
