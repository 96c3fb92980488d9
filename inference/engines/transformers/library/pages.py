"""The paged cache of a model of the library: where the rows of a step find their keys and values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from inference.batching.blocks import BLOCK_SIZE
from inference.batching.track import Chunk
from inference.engines.transformers.native.library import Kernels
from inference.engines.transformers.native.pages import NativeLayer, suits
from inference.engines.transformers.native.rows import Rows

Step = tuple[Tensor, Tensor, Tensor]


@dataclass(frozen=True, slots=True)
class Options:
    """`window` 0 sees everything. `cap` bounds the scores, `sinks` [heads] take weight and give nothing."""

    scale: float
    window: int
    cap: float | None
    sinks: Tensor | None

    @property
    def plain(self) -> bool:
        """Whether it is the attention of most models."""
        return self.cap is None and self.sinks is None


@dataclass(frozen=True, slots=True)
class Part:
    """The rows of one sequence in a step, and where its keys lie: slots [tokens seen after the step]."""

    rows: slice
    start: int
    slots: Tensor


class Pages:
    """The keys and values of all layers, and the step that is being computed.

    A layer's tensors are made when it is first used, since only the model knows their shapes. With kernels these
    compute the attention, or refuse.
    """

    def __init__(self, blocks: int, *, kernels: Kernels | None = None, threads: int = 1) -> None:
        self._blocks = blocks
        self._kernels = kernels
        self._threads = threads
        self._native: dict[int, NativeLayer] = {}
        self._layers: dict[int, tuple[Tensor, Tensor]] = {}
        self._rows: Rows | None = None
        self._parts: list[Part] = []
        self._fresh = torch.empty(0)

    @property
    def layers(self) -> int:
        """How many layers have been seen."""
        return len(self._layers) + len(self._native)

    @property
    def is_open(self) -> bool:
        """Whether a step is being computed."""
        return self._rows is not None

    def open(self, chunks: Sequence[Chunk], device: Any) -> Rows:
        """Begin a step with these chunks."""
        self._rows = Rows(chunks)
        if self._kernels is None:
            self._parts = _parts(chunks, device)
            self._fresh = torch.cat([part.slots[part.start :] for part in self._parts])
        return self._rows

    def close(self) -> None:
        """End the step."""
        self._rows = None

    def attend(self, layer: int, step: Step, options: Options) -> Tensor:
        """Store the step's keys and values, and answer its queries; all [heads, rows, size], the answer turned.

        Rows beyond those of the step only fill it up: they are answered with zeros. Raises `TypeError` for what the
        kernels do not know.
        """
        assert self._rows is not None, "a step is open"
        rows, filled = len(self._rows.tokens), step[0].shape[1]
        query, keys, values = (tensor[:, :rows] for tensor in step)
        if self._kernels is None:
            answers = self._answered(layer, (query, keys, values), options)
        else:
            native = self._native.get(layer) or self._new_native(layer, keys, values, options=options)
            answers = native.attend(self._rows, (query, keys, values), scale=options.scale, window=options.window)
        return torch.nn.functional.pad(answers, (0, 0, 0, 0, 0, filled - rows)) if filled > rows else answers

    def _new_native(self, layer: int, keys: Tensor, values: Tensor, *, options: Options) -> NativeLayer:
        if self._kernels is None or not options.plain or not suits(self._kernels, keys, values):
            raise TypeError("the kernels do not know such an attention")
        self._native[layer] = NativeLayer(self._kernels, keys, blocks=self._blocks, threads=self._threads)
        return self._native[layer]

    def _answered(self, layer: int, step: Step, options: Options) -> Tensor:
        query, keys, values = step
        if layer not in self._layers:
            self._layers[layer] = (self._empty(keys), self._empty(values))
        stored_keys, stored_values = self._remember(layer, keys, values)
        answers = [
            attend_rows(
                query[None, :, part.rows],
                _taken(stored_keys, part.slots),
                _taken(stored_values, part.slots),
                start=part.start,
                options=options,
            )
            for part in self._parts
        ]
        return torch.cat(answers, dim=2)[0].transpose(0, 1)

    def _remember(self, layer: int, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        stored = self._layers[layer]
        for place, fresh in zip(stored, (keys, values), strict=True):
            place[self._fresh.to(place.device)] = fresh.transpose(0, 1)
        return stored

    def _empty(self, like: Tensor) -> Tensor:
        heads, _, size = like.shape
        return torch.zeros(self._blocks * BLOCK_SIZE, heads, size, dtype=like.dtype, device=like.device)


def _parts(chunks: Sequence[Chunk], device: Any) -> list[Part]:
    parts, row = [], 0
    offsets = torch.arange(BLOCK_SIZE, device=device)
    for chunk in chunks:
        end = chunk.start + len(chunk.token_ids)
        blocks = torch.tensor(list(chunk.blocks), device=device)
        slots = (blocks[:, None] * BLOCK_SIZE + offsets).flatten()[:end]
        parts.append(Part(slice(row, row + len(chunk.token_ids)), chunk.start, slots))
        row += len(chunk.token_ids)
    return parts


def _taken(stored: Tensor, slots: Tensor) -> Tensor:
    return stored[slots.to(stored.device)].transpose(0, 1)[None]


def attend_rows(query: Tensor, keys: Tensor, values: Tensor, *, start: int, options: Options) -> Tensor:
    """One sequence's rows, from position `start` on, over all of its keys; all [1, heads, rows or keys, size]."""
    rows, seen = query.shape[2], keys.shape[2]
    mask = None
    if rows > 1 or 0 < options.window < seen:
        at = torch.arange(start, start + rows, device=query.device)[:, None]
        behind = at - torch.arange(seen, device=query.device)[None]
        mask = behind >= 0 if not options.window else (behind >= 0) & (behind < options.window)
    if options.plain:
        return torch.nn.functional.scaled_dot_product_attention(
            query, keys, values, attn_mask=mask, scale=options.scale, enable_gqa=query.shape[1] != keys.shape[1]
        )
    return _explicit(query, keys, values, mask=mask, options=options)


def _explicit(query: Tensor, keys: Tensor, values: Tensor, *, mask: Tensor | None, options: Options) -> Tensor:
    share = query.shape[1] // keys.shape[1]
    keys, values = keys.repeat_interleave(share, 1), values.repeat_interleave(share, 1)
    scores = query @ keys.transpose(2, 3) * options.scale
    if options.cap is not None:
        scores = torch.tanh(scores / options.cap) * options.cap
    if mask is not None:
        scores = scores.masked_fill(~mask, -torch.inf)
    if options.sinks is not None:
        scores = torch.cat([scores, options.sinks.view(1, -1, 1, 1).expand(*scores.shape[:3], 1)], dim=-1)
    weights = torch.softmax(scores.float(), dim=-1).to(values.dtype)
    return weights[..., : keys.shape[2]] @ values
