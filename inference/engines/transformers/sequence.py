"""One answer while it grows: which tokens it has, what of its text can be shown, and when it is finished."""

from __future__ import annotations

from collections.abc import Sequence as TokenIds
from dataclasses import dataclass

from inference.engines.base import Delta, FinishReason, TokenLogprob
from inference.engines.transformers.defaults import Sampling
from inference.text.stream import TextStream


@dataclass(frozen=True, slots=True)
class Request:
    """What a sequence was asked for, checked and complete.

    `stop_ids` has all tokens that end the answer; `named_stop_ids` those of them that the request named itself.
    """

    prompt_ids: TokenIds[int]
    sampling: Sampling
    max_tokens: int
    stop_ids: frozenset[int]
    named_stop_ids: frozenset[int] = frozenset()
    include_stop: bool = False


class Sequence:
    """The part of a running answer that knows no tensors."""

    def __init__(self, request: Request, text: TextStream) -> None:
        self.request = request
        self.completion_tokens = 0
        self.finished = False
        self._text = text

    def accept(self, token_id: int, logprob: TokenLogprob | None = None) -> Delta:
        """Take the next token; the delta says what it shows, and whether it was the last."""
        self.completion_tokens += 1
        stops = token_id in self.request.stop_ids
        named = stops and token_id in self.request.named_stop_ids
        shown = "" if stops and not (named and self.request.include_stop) else self._show(token_id)
        reason = self._reason(stops)
        self.finished = reason is not None
        if self.finished:
            # A stop string may only become complete with what was still held back.
            shown += self._text.finish()
        return Delta(
            shown,
            self.completion_tokens,
            finish_reason="stop" if self._text.stopped_by else reason,
            logprobs=() if logprob is None else (logprob,),
            stop_reason=self._text.stopped_by or (token_id if named else None),
        )

    def _show(self, token_id: int) -> str:
        return self._text.push(token_id, watch=self.completion_tokens >= self.request.sampling.min_tokens)

    def _reason(self, stops: bool) -> FinishReason | None:
        if stops or self._text.stopped_by:
            return "stop"
        return "length" if self.completion_tokens >= self.request.max_tokens else None
