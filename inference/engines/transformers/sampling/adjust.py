"""What requests change about their logits: bias, penalties, stops that come too early, grammars.

All rows of a step at once. On a flat view of the logits each element has an index of its own, so the values of a row
are those that it would have alone.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from inference.engines.transformers.sampling.occurrences import Occurrences
from inference.engines.transformers.sampling.state import SamplerState

Floats = NDArray[np.float32]
Rows = list[tuple[int, SamplerState]]
_NEVER = float("-inf")
# What each byte of a mask adds to the logits of its eight tokens: filling by booleans takes ten times as long.
_BITS = np.unpackbits(np.arange(256, dtype=np.uint8)[:, np.newaxis], axis=1, bitorder="little")
_OF_BYTE = np.where(_BITS, np.float32(0.0), np.float32(_NEVER))


def adjust(states: Sequence[SamplerState], logits: Tensor) -> Tensor:
    """The logits to choose from, float32, [rows, vocabulary]; the given ones stay as they are.

    In vLLM's order: bias first, then repetition, frequency and presence.
    """
    rows = [(row, state) for row, state in enumerate(states) if not state.takes_logits_as_they_are]
    scores = logits.float()
    if not rows:
        return scores
    scores = scores.clone() if scores is logits else scores
    _add_bias([(row, state) for row, state in rows if state.settings.logit_bias], scores)
    _penalize([(row, state, state.occurrences) for row, state in rows if state.occurrences is not None], scores)
    _bar_stops([(row, state) for row, state in rows if state.bars_stops and state.mask is None], scores)
    _follow_grammars([(row, state) for row, state in rows if state.mask is not None], scores)
    return scores


def _add_bias(rows: Rows, scores: Tensor) -> None:
    if rows:
        index = _flat([(row, list(state.settings.logit_bias)) for row, state in rows], scores)
        added = [bias for _, state in rows for bias in state.settings.logit_bias.values()]
        scores.view(-1)[index] += torch.tensor(added, dtype=torch.float32, device=scores.device)


def _penalize(rows: list[tuple[int, SamplerState, Occurrences]], scores: Tensor) -> None:
    if rows:
        index = _flat([(row, seen.ids) for row, _, seen in rows], scores)
        divisors = [np.full(len(seen.ids), state.settings.repetition_penalty) for _, state, seen in rows]
        repetition = _joined(divisors, scores)
        values = scores.view(-1)[index]
        values = torch.where(values > 0, values / repetition, values * repetition)
        scores.view(-1)[index] = values - _joined([_subtracted(state, seen) for _, state, seen in rows], scores)


def _subtracted(state: SamplerState, seen: Occurrences) -> Floats:
    """OpenAI's penalties of each token seen: once for having been generated, and for each time."""
    settings = state.settings
    return settings.frequency_penalty * seen.counts + settings.presence_penalty * (seen.counts > 0).astype(np.float32)


def _bar_stops(rows: Rows, scores: Tensor) -> None:
    if rows:
        scores.view(-1)[_flat([(row, list(state.stop_ids)) for row, state in rows], scores)] = _NEVER


def _follow_grammars(rows: Rows, scores: Tensor) -> None:
    found = [(row, state, state.mask.bits()) for row, state in rows if state.mask is not None]
    masked = [(row, state, bits) for row, state, bits in found if bits is not None]
    _bar_stops([(row, state) for row, state, bits in found if bits is None and state.bars_stops], scores)
    if not masked:
        return
    added = torch.from_numpy(_unpack([_early(state, bits) for _, state, bits in masked], scores.shape[1]))
    index = torch.tensor([row for row, _, _ in masked], device=scores.device)
    scores.index_add_(0, index, added.to(scores.device))


def _early(state: SamplerState, bits: NDArray[np.int32]) -> NDArray[np.int32]:
    """Without the stop tokens while it is too early for them, unless the grammar lets nothing else come."""
    if not state.bars_stops:
        return bits
    without = bits.copy()
    for token_id in state.stop_ids:
        without[token_id // 32] &= np.int32(~(1 << token_id % 32))
    return without if without.any() else bits


def _unpack(masks: Sequence[NDArray[np.int32]], vocabulary: int) -> Floats:
    """Bits to 0 or -inf, [rows, vocabulary]; what lies beyond the end of a mask is not allowed."""
    packed = np.zeros((len(masks), -(-vocabulary // 32)), dtype="<i4")
    for row, bits in zip(packed, masks, strict=True):
        row[: len(bits)] = bits[: len(row)]
    return _OF_BYTE.take(packed.view(np.uint8), axis=0).reshape(len(masks), -1)[:, :vocabulary]


def _flat(rows: Sequence[tuple[int, Sequence[int] | NDArray[np.int64]]], scores: Tensor) -> Tensor:
    """Places of (row, token ids) in the flat view."""
    width = scores.shape[1]
    places = [row * width + np.asarray(token_ids, dtype=np.int64) for row, token_ids in rows]
    return torch.from_numpy(np.concatenate(places)).to(scores.device)


def _joined(parts: Sequence[NDArray[np.floating]], scores: Tensor) -> Tensor:
    return torch.from_numpy(np.concatenate(parts).astype(np.float32)).to(scores.device)
