"""The way through a model of the Llama family on the CPU."""

from __future__ import annotations

import ctypes
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from inference.batching.blocks import BLOCK_SIZE
from inference.batching.track import Chunk
from inference.engines.transformers.native import library
from inference.engines.transformers.native.build import compiled
from inference.engines.transformers.native.family import Shape, shape_of
from inference.engines.transformers.native.rows import Rows
from inference.engines.transformers.native.weights import Weights

_TYPES = (torch.bfloat16, torch.float32)


class NativeForward:
    """Rows of tokens through the kernels. A row's result does not depend on the other rows of its step, to the bit."""

    def __init__(self, kernels: library.Kernels, weights: Weights, shape: Shape, *, threads: int) -> None:
        self._kernels = kernels
        self._weights = weights
        self._shape = shape
        self._threads = threads
        self.vocabulary = weights.vocabulary
        self._cache = torch.empty(0)
        self._logits = torch.empty(0, weights.head.outputs)
        self._decoder: library.Decoder | None = None

    def open_cache(self, blocks: int, *, context: int, rotary: Any) -> None:
        """Make the key-value cache, and the tables of positions."""
        # Filled once, so that the memory is really taken now and does not grow while serving.
        self._cache = torch.empty(self._shape.layers, *self._layer_cache(blocks), dtype=self._weights.dtype).zero_()
        self._decoder = self._assembled(*self._weights.tables(rotary, context))
        self._point(self._decoder.layers, [layer.data_ptr() for layer in self._cache], blocks)

    def step(self, chunks: Sequence[Chunk]) -> Tensor:
        """See `Forward.step`. The logits are overwritten by the next step."""
        rows = Rows(chunks)
        if len(self._logits) < len(rows.wanted):
            self._logits = torch.empty(len(rows.wanted), self._weights.head.outputs)
        self._run(self._opened, rows, logits=self._logits.data_ptr())
        return self._logits[: len(rows.wanted), : self.vocabulary]

    def hidden(self, token_ids: Sequence[int]) -> Tensor:
        """The hidden states [tokens, width] of a text after the last norm. The key-value cache is not touched."""
        blocks = -(-len(token_ids) // BLOCK_SIZE)
        # Layer after layer the whole text passes at once, so they can share one layer's cache.
        cache = torch.zeros(self._layer_cache(blocks), dtype=self._weights.dtype)
        decoder = library.Decoder.from_buffer_copy(self._opened)
        layers = (library.Layer * self._shape.layers).from_buffer_copy(self._weights.layers)
        self._point(layers, [cache.data_ptr()] * self._shape.layers, blocks)
        decoder.layers = _first(layers)
        found = torch.empty(len(token_ids), self._shape.width)
        rows = Rows([Chunk(token_ids, 0, range(blocks), 0)])
        self._run(decoder, rows, hidden=found.data_ptr())
        return found

    def retain(self, first_blocks: Iterable[int]) -> None:
        """See `Forward.retain`: what is in a block is overwritten when it is used again."""

    @property
    def _opened(self) -> library.Decoder:
        assert self._decoder is not None, "open_cache comes first"
        return self._decoder

    def _layer_cache(self, blocks: int) -> tuple[int, ...]:
        return (2, blocks, self._shape.kv_heads, BLOCK_SIZE, self._shape.head_size)

    def _run(self, decoder: library.Decoder, rows: Rows, *, logits: int = 0, hidden: int = 0) -> None:
        step = library.Step(
            tokens=rows.tokens.ctypes.data,
            places=rows.places,
            wanted=rows.wanted.ctypes.data,
            results=len(rows.wanted),
            threads=self._threads,
            logits=logits or None,
            hidden=hidden or None,
        )
        self._kernels.step(decoder, step)

    def _assembled(self, cosines: int, sines: int, rotated: int) -> library.Decoder:
        shape, weights = self._shape, self._weights
        return library.Decoder(
            layers=_first(weights.layers),
            head=weights.head,
            embedding=weights.embedding,
            norm=weights.norm,
            cosines=cosines,
            sines=sines,
            count=shape.layers,
            width=shape.width,
            rotated=rotated,
            inner=shape.inner,
            epsilon=shape.epsilon,
            embedding_scale=shape.embedding_scale,
            residual_scale=shape.residual_scale,
            logit_scale=shape.logit_scale,
        )

    def _point(self, layers: Iterable[Any], addresses: Iterable[int], blocks: int) -> None:
        """Give each layer its part of a cache: keys, and values after them."""
        shape = self._shape
        half = blocks * shape.kv_heads * BLOCK_SIZE * shape.head_size * self._weights.dtype.itemsize
        settings = zip(layers, addresses, shape.windows, shape.rotates, strict=False)
        for layer, address, window, rotates in settings:
            layer.cache = library.Cache(
                keys=address,
                values=address + half,
                heads=shape.heads,
                kv_heads=shape.kv_heads,
                size=shape.head_size,
                window=window,
                scale=shape.scale,
            )
            layer.rotates = rotates


def _first(array: ctypes.Array[Any]) -> Any:
    """A C array as a pointer to its first element."""
    return ctypes.cast(array, ctypes.POINTER(array._type_))


def load_kernels(dtype: torch.dtype, cache_dir: Path) -> library.Kernels | None:
    """The kernels for a type of weights; None when they are not for it, or cannot be compiled here."""
    if dtype not in _TYPES:
        return None
    bfloat16 = dtype == torch.bfloat16
    path = compiled(cache_dir, bfloat16=bfloat16)
    return None if path is None else library.Kernels(path, bfloat16=bfloat16)


def native_forward(model: Any, kernels: library.Kernels, *, threads: int) -> NativeForward | None:
    """The kernels' way through a model on the CPU; None when they cannot run it. Empties the library's model."""
    shape = shape_of(model.config.to_dict())
    if shape is None or model.dtype != (torch.bfloat16 if kernels.bfloat16 else torch.float32):
        return None
    return NativeForward(kernels, Weights(model, shape), shape, threads=threads)
