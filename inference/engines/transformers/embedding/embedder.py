"""Batches of token ids through a model, to vectors."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from inference.engines.transformers.embedding.pooling import pooler
from inference.engines.transformers.recipe import EmbeddingRecipe

Batch = Sequence[Sequence[int]]
# The last hidden states of a batch, [texts, tokens, width], padded to the right.
Trunk = Callable[[Batch], Tensor]


class HuggingFaceTrunk:
    """A model of the library without its head: an encoder, or what a causal model's head stands on."""

    def __init__(self, model: Any, *, pad_id: int, device: str) -> None:
        self._model = model
        self._pad_id = pad_id
        self._device = device
        takes = inspect.signature(model.forward).parameters
        self._arguments = {"use_cache": False} if "use_cache" in takes else {}

    def __call__(self, batch: Batch) -> Tensor:
        """Neighbours change nothing in a text's vectors: padding is to the right, and masked."""
        width = max(map(len, batch))
        ids = torch.tensor([[*ids, *[self._pad_id] * (width - len(ids))] for ids in batch], device=self._device)
        mask = mask_of(batch, self._device)
        hidden: Tensor = self._model(input_ids=ids, attention_mask=mask, **self._arguments).last_hidden_state
        return hidden


def one_by_one(hidden: Callable[[Sequence[int]], Tensor]) -> Trunk:
    """A trunk out of a function for one text, which gives [tokens, width]."""
    return lambda batch: pad_sequence([hidden(ids) for ids in batch], batch_first=True)


def mask_of(batch: Batch, device: str | torch.device) -> Tensor:
    """Ones where a text has tokens, zeros where it is padded, [texts, tokens]."""
    lengths = torch.tensor([len(ids) for ids in batch], device=device)
    return (torch.arange(max(map(len, batch)), device=device) < lengths[:, None]).long()


class Embedder:
    """A trunk, and the recipe for what comes out of it."""

    def __init__(self, trunk: Trunk, recipe: EmbeddingRecipe, device: str) -> None:
        self._trunk = trunk
        self._finish = pooler(recipe, device)

    def __call__(self, batch: Batch) -> NDArray[np.float32]:
        """Vectors [texts, width] of token ids."""
        hidden = self._trunk(batch)
        vectors: NDArray[np.float32] = self._finish(hidden, mask_of(batch, hidden.device)).cpu().numpy()
        return vectors
