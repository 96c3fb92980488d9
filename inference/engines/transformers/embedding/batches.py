"""Which of the texts that wait are computed together: a pure choice by their lengths."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

# More padding than any bound allows.
_NEVER = 1 << 62


@dataclass(frozen=True, slots=True)
class BatchLimits:
    """The bounds of a batch: texts, and tokens with those that only pad.

    `padding` is how many padded tokens cost as much as one more batch: with less, two lengths share a batch.
    """

    texts: int
    tokens: int
    padding: int

    def after_running_out(self, tokens: int) -> BatchLimits:
        """The bounds once a batch of so many tokens was too much for the memory."""
        return BatchLimits(self.texts, max(1, min(self.tokens, tokens // 2)), self.padding)


def limits_for(device: str, *, generates: bool, texts: int | None = None, tokens: int | None = None) -> BatchLimits:
    """The bounds on a device; `texts` and `tokens` are the operator's.

    Measured on a CPU with MiniLM: 1,024 tokens stay in the cache (4,096 are 16 % slower), and a batch of its own costs
    about 50 tokens. A GPU is busy with large batches only. A model that also generates computes its texts one after the
    other, so a batch only makes its streams stand still for longer.
    """
    on_gpu = device.startswith("cuda")
    if generates:
        return BatchLimits(texts or 4, tokens or (4096 if on_gpu else 256), padding=64)
    if on_gpu:
        return BatchLimits(texts or 512, tokens or 16_384, padding=2048)
    return BatchLimits(texts or 256, tokens or 1024, padding=64)


def choose_run(lengths: Sequence[int], anchor: int, limits: BatchLimits) -> range:
    """The neighbours of the text `anchor`, by index in ascending lengths, that share its batch; it is always among.

    Grows to the side that needs less padding, until a bound is met.
    """
    start, stop, padding = anchor, anchor + 1, 0
    while stop - start < limits.texts:
        longest, count = lengths[stop - 1], stop - start
        # One more text is padded itself, or makes all others be padded to its own length.
        shorter = longest - lengths[start - 1] if start else _NEVER
        longer = (lengths[stop] - longest) * count if stop < len(lengths) else _NEVER
        tokens = (count + 1) * (longest if shorter < longer else lengths[min(stop, len(lengths) - 1)])
        padding += min(shorter, longer)
        if padding > limits.padding or tokens > limits.tokens:
            break
        start, stop = (start - 1, stop) if shorter < longer else (start, stop + 1)
    return range(start, stop)
