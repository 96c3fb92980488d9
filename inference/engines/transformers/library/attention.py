"""Attention over a paged cache, in the place of the library's: sequences of one step side by side in one row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from inference.batching.blocks import BLOCK_SIZE
from inference.batching.track import Chunk

NAME = "modelyard_paged"
# Arguments that models pass along and that change nothing here, or that are honoured below.
_KNOWN = frozenset({"dropout", "scaling", "position_ids", "use_cache", "output_router_logits", "cache_position"})
_HONOURED = frozenset({"sliding_window", "softcap", "s_aux"})


@dataclass(frozen=True, slots=True)
class Part:
    """The rows of one sequence in a step, and where its keys lie: slots [tokens seen after the step]."""

    rows: slice
    start: int
    slots: Tensor


class Pages:
    """The keys and values of all layers, in slots of one token, and the step that is being computed.

    A layer's tensors are made when it is first used, since only the model knows their shapes.
    """

    def __init__(self, slots: int) -> None:
        self._slots = slots
        self._layers: dict[int, tuple[Tensor, Tensor]] = {}
        self.parts: Sequence[Part] | None = None
        self.fresh = torch.empty(0)

    @property
    def layers(self) -> int:
        """How many layers have been seen."""
        return len(self._layers)

    def open(self, chunks: Sequence[Chunk], device: Any) -> None:
        """Begin a step with these chunks."""
        parts, row = [], 0
        for chunk in chunks:
            end = chunk.start + len(chunk.token_ids)
            blocks = torch.tensor(list(chunk.blocks), device=device)
            slots = (blocks[:, None] * BLOCK_SIZE + torch.arange(BLOCK_SIZE, device=device)).flatten()[:end]
            parts.append(Part(slice(row, row + len(chunk.token_ids)), chunk.start, slots))
            row += len(chunk.token_ids)
        self.parts = parts
        self.fresh = torch.cat([part.slots[part.start :] for part in parts])

    def remember(self, layer: int, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """Store the step's keys and values [heads, rows, size]; all of the layer's, [slots, heads, size]."""
        stored = self._layers.get(layer)
        if stored is None:
            stored = self._layers[layer] = (self._empty(keys), self._empty(values))
        for place, fresh in zip(stored, (keys, values), strict=True):
            place[self.fresh.to(place.device)] = fresh.transpose(0, 1)
        return stored

    def _empty(self, like: Tensor) -> Tensor:
        heads, _, size = like.shape
        return torch.zeros(self._slots, heads, size, dtype=like.dtype, device=like.device)


def attend(  # noqa: PLR0917 - the library's own signature
    module: Any, query: Tensor, key: Tensor, value: Tensor, *unused: Any, **asked: Any
) -> tuple[Tensor, None]:
    """What the library calls in each layer, [1, heads, rows, size] each; [1, rows, heads, size] back.

    `module.pages` says where the cache is. Without an open step the rows are one whole text.
    """
    extra = sorted(name for name in asked.keys() - _KNOWN - _HONOURED if asked[name] not in (None, False))
    if extra:
        raise TypeError(f"attention with {extra[0]}")
    pages: Pages = module.pages
    scale, window = asked.get("scaling"), asked.get("sliding_window") or 0
    options = _Options(scale or query.shape[-1] ** -0.5, window, asked.get("softcap"), asked.get("s_aux"))
    if pages.parts is None:
        return _one(query, key, value, start=0, options=options).transpose(1, 2), None
    keys, values = pages.remember(module.layer_idx, key[0], value[0])
    answers = [
        _one(query[:, :, p.rows], _taken(keys, p.slots), _taken(values, p.slots), start=p.start, options=options)
        for p in pages.parts
    ]
    return torch.cat(answers, dim=2).transpose(1, 2), None


@dataclass(frozen=True, slots=True)
class _Options:
    """`window` 0 sees everything. `cap` bounds the scores, `sinks` [heads] take weight and give nothing."""

    scale: float
    window: int
    cap: float | None
    sinks: Tensor | None


def _taken(stored: Tensor, slots: Tensor) -> Tensor:
    return stored[slots.to(stored.device)].transpose(0, 1)[None]


def _one(query: Tensor, keys: Tensor, values: Tensor, *, start: int, options: _Options) -> Tensor:
    """One sequence's rows, from position `start` on, over all of its keys."""
    rows, seen = query.shape[2], keys.shape[2]
    mask = None
    if rows > 1 or 0 < options.window < seen:
        at = torch.arange(start, start + rows, device=query.device)[:, None]
        behind = at - torch.arange(seen, device=query.device)[None]
        mask = behind >= 0 if not options.window else (behind >= 0) & (behind < options.window)
    if options.cap is None and options.sinks is None:
        return torch.nn.functional.scaled_dot_product_attention(
            query, keys, values, attn_mask=mask, scale=options.scale, enable_gqa=query.shape[1] != keys.shape[1]
        )
    return _explicit(query, keys, values, mask=mask, options=options)


def _explicit(query: Tensor, keys: Tensor, values: Tensor, *, mask: Tensor | None, options: _Options) -> Tensor:
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


def prepare(model: Any, pages: Pages) -> None:
    """Put this attention into a model. Raises `ValueError` when the model does not let itself be told."""
    from transformers import AttentionInterface, AttentionMaskInterface

    AttentionInterface.register(NAME, attend)
    AttentionMaskInterface.register(NAME, _no_mask)
    if not getattr(model, "_supports_attention_backend", False):
        raise ValueError(f"{type(model).__name__} brings an attention of its own")
    model.set_attn_implementation(NAME)
    for module in model.modules():
        if getattr(module, "layer_idx", None) is not None:
            module.pages = pages


def _no_mask(*arguments: Any, **named: Any) -> None:
    """Each sequence is attended to by itself, so there is nothing to mask."""
