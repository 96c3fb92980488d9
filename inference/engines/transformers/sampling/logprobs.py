"""Log probabilities as the model has them: before temperature, penalties and filters, in float32."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from inference.engines.base import TokenLogprob


def prompt_logprobs(logits: Tensor, next_ids: Sequence[int], top: int) -> list[TokenLogprob]:
    """Of the tokens that came: row i of `logits`, [n, vocabulary], predicts `next_ids[i]`. `top`: how many others."""
    logs = torch.log_softmax(logits.float(), dim=-1)
    own = logs.gather(1, torch.tensor(next_ids, device=logs.device).unsqueeze(1)).squeeze(1).tolist()
    values, ids = (found.tolist() for found in logs.topk(top, dim=-1))
    return [
        TokenLogprob(token_id, own[row], tuple(zip(ids[row], values[row], strict=True)))
        for row, token_id in enumerate(next_ids)
    ]
