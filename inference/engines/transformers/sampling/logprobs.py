"""Log probabilities as the model has them: before temperature, penalties and filters, in float32."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from inference.engines.base import TokenLogprob
from inference.engines.transformers.sampling.likeliest import highest

# Rows that are worked on at once: what a pass makes anew stays a few megabytes.
_ROWS = 32


def chosen_logprobs(logits: Tensor, asked: Mapping[int, tuple[int, int]]) -> dict[int, TokenLogprob]:
    """By row of `logits`, [rows, vocabulary], for the rows in `asked`: (the token there, how many of the likeliest)."""
    rows = list(asked)
    index = torch.tensor(rows, device=logits.device)
    top = max(count for _, count in asked.values())
    found = _logprobs(logits if len(rows) == len(logits) else logits[index], [asked[row][0] for row in rows], top)
    return {
        row: TokenLogprob(one.token_id, one.logprob, one.top[: asked[row][1]])
        for row, one in zip(rows, found, strict=True)
    }


def prompt_logprobs(logits: Tensor, next_ids: Sequence[int], top: int) -> list[TokenLogprob]:
    """Of the tokens that came: row i of `logits`, [n, vocabulary], predicts `next_ids[i]`. `top`: how many others."""
    return [
        logprob
        for start in range(0, len(next_ids), _ROWS)
        for logprob in _logprobs(logits[start : start + _ROWS], next_ids[start : start + _ROWS], top)
    ]


def _logprobs(logits: Tensor, token_ids: Sequence[int], top: int) -> list[TokenLogprob]:
    logs = torch.log_softmax(logits.float(), dim=-1)
    places = torch.tensor(token_ids, device=logs.device).unsqueeze(1)
    own = logs.gather(1, places).squeeze(1).tolist()
    likeliest = highest(logs, top) if top else [()] * len(own)
    return [TokenLogprob(*one) for one in zip(token_ids, own, likeliest, strict=True)]
