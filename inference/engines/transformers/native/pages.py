"""A layer's paged cache whose attention the kernels compute, for models of the library on the CPU."""

from __future__ import annotations

import torch
from torch import Tensor

from inference.batching.blocks import BLOCK_SIZE
from inference.engines.transformers.native import library
from inference.engines.transformers.native.rows import Rows

_LARGEST_HEAD = 256
_LANES = 16


def suits(kernels: library.Kernels, keys: Tensor, values: Tensor) -> bool:
    """Whether the kernels can compute a layer with such keys and values, [heads, rows, size]."""
    size, wanted = keys.shape[2], torch.bfloat16 if kernels.bfloat16 else torch.float32
    return (
        keys.dtype == values.dtype == wanted
        and keys.shape == values.shape
        and size % _LANES == 0
        and size <= _LARGEST_HEAD
    )


class NativeLayer:
    """The keys and values of one layer. A row's answer has the same bits whatever the other rows of its step."""

    def __init__(self, kernels: library.Kernels, keys: Tensor, *, blocks: int, threads: int) -> None:
        heads, _, size = keys.shape
        self._kernels = kernels
        self._threads = threads
        # Filled once, so that the memory is really taken now and does not grow while serving.
        self._stored = torch.empty(2, blocks, heads, BLOCK_SIZE, size, dtype=keys.dtype).zero_()
        self._cache = library.Cache(
            keys=self._stored[0].data_ptr(), values=self._stored[1].data_ptr(), kv_heads=heads, size=size
        )

    def attend(self, rows: Rows, tensors: tuple[Tensor, Tensor, Tensor], *, scale: float, window: int) -> Tensor:
        """Answers [rows, heads, size] to queries, after keys and values were stored, all [heads, rows, size]."""
        query, key, value = (tensor.transpose(0, 1).contiguous() for tensor in tensors)
        answers = torch.empty_like(query)
        self._cache.heads, self._cache.scale, self._cache.window = query.shape[1], scale, window
        addresses = [tensor.data_ptr() for tensor in (query, key, value, answers)]
        self._kernels.attend(self._cache, rows.places, addresses, threads=self._threads)
        return answers
