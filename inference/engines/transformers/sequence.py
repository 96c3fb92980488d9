"""One answer while it grows: which tokens it has, what of its text can be shown, and when it is finished."""

from __future__ import annotations

from collections.abc import Sequence as TokenIds
from dataclasses import dataclass

from inference.engines.base import Delta, FinishReason
from inference.engines.transformers.defaults import Sampling
from inference.text.stream import TextStream


@dataclass(frozen=True, slots=True)
class Request:
    """What a sequence was asked for, checked and complete. `stop_ids` is empty when the end of text is ignored."""

    prompt_ids: TokenIds[int]
    sampling: Sampling
    max_tokens: int
    stop_ids: frozenset[int]


class Sequence:
    """The part of a running answer that knows no tensors."""

    def __init__(self, request: Request, text: TextStream) -> None:
        self.request = request
        self.completion_tokens = 0
        self.finished = False
        self._text = text

    def accept(self, token_id: int) -> Delta:
        """Take the next token; the delta says what it shows, and whether it was the last."""
        self.completion_tokens += 1
        ended = token_id in self.request.stop_ids
        shown = "" if ended else self._text.push(token_id)
        reason: FinishReason | None = None
        if ended or self._text.stopped:
            reason = "stop"
        elif self.completion_tokens >= self.request.max_tokens:
            reason = "length"
        return Delta(shown, self.completion_tokens) if reason is None else self._last(shown, reason)

    def _last(self, shown: str, reason: FinishReason) -> Delta:
        self.finished = True
        shown += self._text.finish()
        # A stop string may only become complete with what was still held back.
        return Delta(shown, self.completion_tokens, "stop" if self._text.stopped else reason)
