"""Drawing tokens by their probabilities, with one uniform number a row.

Probabilities become whole numbers before they are added up: such sums are exact in any order, so a row's token does
not depend on how many rows there are, how the device adds, or how many threads it has.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from inference.engines.transformers.defaults import Sampling
from inference.engines.transformers.sampling.truncation import ONE, truncate

# Columns a block: sums of blocks say where to look, and only that block is looked at.
_BLOCK = 128


def draw(
    scores: Tensor, settings: Sequence[Sampling], *, uniforms: Sequence[float], out: Tensor | None = None
) -> Tensor:
    """The drawn ids, [rows], of `scores`, float32 [rows, vocabulary]; -1 for a row whose scores are not numbers.

    `out`, which may be `scores`, is where to work: new memory for a whole batch costs more than what is done with it.
    """
    weights = weigh(scores, settings, out=out)
    return place(weights, torch.tensor(uniforms, dtype=torch.float64, device=weights.device))


def weigh(scores: Tensor, settings: Sequence[Sampling], *, out: Tensor | None = None) -> Tensor:
    """The weight of each token after temperature and truncations: whole numbers in float32, NaN where it was."""
    temperatures = torch.tensor([one.temperature for one in settings], dtype=torch.float32, device=scores.device)
    weights = torch.div(scores, temperatures.unsqueeze(1), out=out)
    torch.softmax(weights, dim=-1, out=weights).mul_(ONE).floor_()
    truncate(weights, settings, weights.amax(-1))
    return weights


def place(weights: Tensor, uniforms: Tensor) -> Tensor:
    """The column where each uniform number falls when the weights of its row are laid side by side."""
    blocks = _block_sums(weights).cumsum(-1)
    total = blocks[:, -1:]
    targets = torch.minimum((uniforms.unsqueeze(1) * total).floor_(), total - 1)
    block = torch.searchsorted(blocks, targets, right=True).clamp_(max=blocks.shape[1] - 1)
    before = torch.where(block > 0, blocks.gather(1, (block - 1).clamp(min=0)), 0.0)
    columns = block * _BLOCK + torch.arange(_BLOCK, device=weights.device)
    inside = weights.gather(1, columns.clamp(max=weights.shape[1] - 1)).double()
    inside = torch.where(columns < weights.shape[1], inside, 0.0).cumsum(-1)
    offset = torch.searchsorted(inside, targets - before, right=True).clamp_(max=_BLOCK - 1)
    return torch.where(total.isnan(), -1, block * _BLOCK + offset).squeeze(1)


def _block_sums(weights: Tensor) -> Tensor:
    """In float64, [rows, blocks]; the last block may be shorter."""
    end = weights.shape[1] // _BLOCK * _BLOCK
    sums = weights[:, :end].view(len(weights), -1, _BLOCK).sum(-1, dtype=torch.float64)
    if end == weights.shape[1]:
        return sums
    return torch.cat([sums, weights[:, end:].sum(-1, keepdim=True, dtype=torch.float64)], -1)
