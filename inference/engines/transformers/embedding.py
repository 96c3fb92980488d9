"""Vectors of texts: batches of similar length through the model, pooled as the model's recipe says."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from inference.engines.transformers.recipe import EmbeddingRecipe, Pooling

# A batch is bounded both ways: many short texts, or few long ones.
BATCH_TEXTS = 32
BATCH_TOKENS = 4096

Vectors = list[list[float]]


def plan_batches(lengths: Sequence[int], texts: int = BATCH_TEXTS, tokens: int = BATCH_TOKENS) -> list[list[int]]:
    """Indices of texts in batches, longest first, so that little is padding and the largest batch comes first."""
    batches: list[list[int]] = []
    longest = 0
    for index in sorted(range(len(lengths)), key=lambda i: -lengths[i]):
        if not batches or len(batches[-1]) >= texts or (len(batches[-1]) + 1) * longest > tokens:
            batches.append([])
            longest = max(1, lengths[index])
        batches[-1].append(index)
    return batches


def pool(hidden: Tensor, mask: Tensor, pooling: Pooling) -> Tensor:
    """One vector a text, [texts, width], from token vectors [texts, tokens, width] and their mask [texts, tokens]."""
    kept = mask.unsqueeze(-1).to(hidden.dtype)
    if pooling == "cls":
        return hidden[:, 0]
    if pooling == "lasttoken":
        return hidden[torch.arange(len(hidden), device=hidden.device), mask.sum(1) - 1]
    if pooling == "max":
        return hidden.masked_fill(kept == 0, -torch.inf).amax(1)
    total, count = (hidden * kept).sum(1), kept.sum(1).clamp(min=1)
    return total / (count if pooling == "mean" else count.sqrt())


class Embedder:
    """The encoder's way through a model; also that of a causal model, without its head."""

    def __init__(self, model: Any, recipe: EmbeddingRecipe, *, pad_id: int, device: str) -> None:
        self._model = model
        self._recipe = recipe
        self._pad_id = pad_id
        self._device = device
        takes = inspect.signature(model.forward).parameters
        self._arguments = {"use_cache": False} if "use_cache" in takes else {}

    def embed(self, batch: Sequence[Sequence[int]]) -> Vectors:
        """Vectors of token ids. Neighbours change nothing in a vector: padding is to the right, and masked."""
        width = max(map(len, batch))
        rows = [[*ids, *[self._pad_id] * (width - len(ids))] for ids in batch]
        lengths = torch.tensor([len(ids) for ids in batch], device=self._device)
        mask = (torch.arange(width, device=self._device) < lengths[:, None]).long()
        ids = torch.tensor(rows, device=self._device)
        hidden = self._model(input_ids=ids, attention_mask=mask, **self._arguments).last_hidden_state
        vectors: Vectors = self._finish(hidden.float(), mask).tolist()
        return vectors

    def _finish(self, hidden: Tensor, mask: Tensor) -> Tensor:
        pooled = torch.cat([pool(hidden, mask, pooling) for pooling in self._recipe.pooling], dim=-1)
        return torch.nn.functional.normalize(pooled, dim=-1) if self._recipe.normalize else pooled
