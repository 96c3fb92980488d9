"""top_k, top_p and min_p: the lowest weight that a row keeps.

By value, so equal weights are kept or dropped together, and neither the order of a sort nor the device matters. In
Hugging Face's order: top_k first, top_p of what it left, min_p last. Weights are whole numbers in float32, so their
sums in float64 are exact.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from inference.engines.transformers.defaults import Sampling
from inference.engines.transformers.sampling.likeliest import reached_by

Weights = NDArray[np.float32]
# What a probability of one becomes: a token with less than 1e-12 is never drawn, and sums stay below 2 ** 53.
ONE = 2.0**40
# Floats that are not negative have the order of their bits. What is left of these, sign, exponent and three bits of
# the mantissa, makes eight buckets for each power of two.
_BUCKET_SHIFT = 20


def truncate(weights: Tensor, settings: Sequence[Sampling], highest: Tensor) -> None:
    """Set to 0, in place, the `weights`, [rows, vocabulary], that a row does not keep. `highest`: of each row."""
    rows = [row for row, one in enumerate(settings) if one.top_k or one.top_p < 1.0 or one.min_p]
    if not rows:
        return
    chosen = [settings[row] for row in rows]
    if weights.device.type == "cpu":
        for row, one, peak in zip(rows, chosen, highest[rows].tolist(), strict=True):
            if not math.isnan(peak):
                keep_above(weights[row].numpy(), one, peak)
        return
    index = torch.tensor(rows, device=weights.device)
    weights[index] = kept_above(weights[index], chosen, highest[index])


def keep_above(row: Weights, one: Sampling, peak: float) -> None:
    """One row, in place: for the CPU, where only what may be kept is sorted, which is most often little."""
    lowest = float(np.float32(one.min_p) * np.float32(peak))
    if one.top_k:
        lowest = max(lowest, _lowest_of_count(row, one.top_k, one.top_p))
    elif one.top_p < 1.0:
        lowest = max(lowest, _lowest_of_share(row, one.top_p))
    np.multiply(row, row >= lowest, out=row)


def kept_above(weights: Tensor, settings: Sequence[Sampling], highest: Tensor) -> Tensor:
    """Many rows at once: for devices that sort them faster than they can be looked at one by one."""
    size, device = weights.shape[1], weights.device
    last = torch.tensor([min(one.top_k or size, size) - 1 for one in settings], device=device).unsqueeze(1)
    shares = torch.tensor([one.top_p for one in settings], dtype=torch.float64, device=device).unsqueeze(1)
    floors = torch.tensor([one.min_p for one in settings], dtype=torch.float32, device=device) * highest
    ordered = weights.sort(-1, descending=True).values
    kth = ordered.gather(1, last)
    left = torch.where(ordered >= kth, ordered, 0.0).double()
    sums = left.cumsum(-1)
    wanted = shares * torch.where(last < size - 1, sums[:, -1:], ONE)
    place = torch.searchsorted(sums, wanted).clamp(max=size - 1)
    lowest = torch.where(shares < 1.0, torch.maximum(ordered.gather(1, place), kth), kth)
    return weights.masked_fill(weights < torch.maximum(lowest, floors.unsqueeze(1)), 0.0)


def _lowest_of_count(row: Weights, top_k: int, top_p: float) -> float:
    """The `top_k`-th highest, or what reaches the share `top_p` of those that are not below it."""
    kept = row.compress(row >= reached_by(row, top_k))
    kept = kept.compress(kept >= np.partition(kept, -top_k)[-top_k]) if top_k < len(kept) else kept
    return _reaching(kept, min(top_p, 1.0) * float(kept.sum(dtype=np.float64)))


def _lowest_of_share(row: Weights, top_p: float) -> float:
    """The lowest of the fewest highest whose sum reaches the share `top_p`."""
    # All that are lower than this have less than the rest of the share together.
    kept = row.compress(row >= 0.999 * (1.0 - top_p) * ONE / len(row))
    buckets = kept.view(np.int32) >> _BUCKET_SHIFT
    sums = np.cumsum(np.bincount(buckets, weights=kept)[::-1])
    border = int(np.searchsorted(sums, top_p * ONE).clip(max=len(sums) - 1))
    before = sums[border - 1] if border else 0.0
    return _reaching(kept.compress(buckets == len(sums) - 1 - border), top_p * ONE - before)


def _reaching(values: Weights, wanted: float) -> float:
    """The lowest of the fewest highest whose sum reaches `wanted`."""
    ordered = np.sort(values)[::-1]
    sums = np.cumsum(ordered, dtype=np.float64)
    return float(ordered[min(int(np.searchsorted(sums, wanted)), len(ordered) - 1)])
