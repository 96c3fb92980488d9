"""The deltas of a request as the events of its stream."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import orjson

from inference.engines.base import Delta
from inference.protocol.responses import Usage
from inference.protocol.stream import NULL, ChatChunks, ChunkEncoder
from inference.server.drafts import Generation, LogprobsFormat, echoed, finish_reason, scored
from inference.server.logprobs import Scored, TokenBytes
from inference.tools.parser import Expected, Parsed, ToolCallParser


class Steps:
    """A chunk for the text of each step, and one for the end of each choice."""

    def __init__(self, encoder: ChunkEncoder, generation: Generation) -> None:
        self._encoder = encoder
        self._generation = generation
        self._newest: list[Delta | None] = [None] * len(generation.specs)
        # Why the first choice ended; empty until it has.
        self.finish = ""

    def encode(self, index: int, delta: Delta) -> bytes:
        """The events of one step; may be empty."""
        self._newest[index] = delta
        data = self._encoder.text(index, delta.text) if delta.text else b""
        return data if delta.finish_reason is None else data + self._finish(index, delta)

    def usage(self) -> Usage:
        """The tokens so far."""
        return self._generation.usage(self._newest)

    def _finish(self, index: int, delta: Delta) -> bytes:
        return self._ending(index, delta, delta.finish_reason or "")

    def _ending(self, index: int, delta: Delta, reason: str) -> bytes:
        if index == 0:
            self.finish = reason
        return self._encoder.finish(index, reason, stop_reason=delta.stop_reason)


class DetailedSteps(Steps):
    """The same with whatever was asked for: log probabilities, the prompt before the answer, counts in every chunk.

    A chunk has the log probabilities of its step's tokens, also when their text still waits for what follows.
    """

    def __init__(
        self, encoder: ChunkEncoder, generation: Generation, *, form: LogprobsFormat, token_bytes: TokenBytes
    ) -> None:
        super().__init__(encoder, generation)
        request, specs = generation.request, generation.specs
        self._counts = request.continuous_usage
        self._unechoed = {spec.index: spec for spec in specs} if request.echoes else {}
        self._logprobs = [] if request.tops is None else [form(token_bytes, request.tops) for _ in specs]

    def encode(self, index: int, delta: Delta) -> bytes:
        """The events of one step; may be empty."""
        self._newest[index] = delta
        if self._counts:
            self._encoder.count(self.usage())
        data = self._echo(index, delta) + self._piece(index, delta.text, scored(delta.logprobs))
        return data if delta.finish_reason is None else data + self._finish(index, delta)

    def _echo(self, index: int, delta: Delta) -> bytes:
        spec = self._unechoed.pop(index, None)
        if spec is None:
            return b""
        if self._logprobs:
            self._logprobs[index].follow(spec.prompt.token_ids, spec.echo)
        return self._piece(index, spec.echo, echoed(spec, delta))

    def _piece(self, index: int, text: str, tokens: Sequence[Scored]) -> bytes:
        if not self._logprobs or not tokens:
            return self._encoder.text(index, text, logprobs=NULL) if text else b""
        return self._encoder.text(index, text, logprobs=orjson.dumps(self._logprobs[index].render(tokens)))


class ToolSteps(DetailedSteps):
    """The same with calls of tools, which are found in the text while it is written."""

    def __init__(
        self,
        encoder: ChatChunks,
        generation: Generation,
        *,
        calls: Expected,
        form: LogprobsFormat,
        token_bytes: TokenBytes,
    ) -> None:
        super().__init__(encoder, generation, form=form, token_bytes=token_bytes)
        self._chunks = encoder
        self._parsers = [ToolCallParser(calls) for _ in generation.specs]

    def encode(self, index: int, delta: Delta) -> bytes:
        """The events of one step; may be empty."""
        ended = delta.finish_reason is not None
        found = self._parsers[index].push(delta.text)
        data = self._piece_of(index, delta, found)
        if not ended:
            return data
        rest = self._parsers[index].finish()
        return data + self._said(index, rest) + self._finish(index, delta)

    def _piece_of(self, index: int, delta: Delta, found: Parsed) -> bytes:
        data = super().encode(index, replace(delta, text=found.content, finish_reason=None))
        return data + self._chunks.calls(index, found.calls)

    def _said(self, index: int, found: Parsed) -> bytes:
        return self._piece(index, found.content, []) + self._chunks.calls(index, found.calls)

    def _finish(self, index: int, delta: Delta) -> bytes:
        reason = finish_reason(delta, called=self._parsers[index].called)
        return self._ending(index, delta, reason)


def steps_for(encoder: ChunkEncoder, generation: Generation, *, form: LogprobsFormat, token_bytes: TokenBytes) -> Steps:
    """The plain ones whenever they do: a stream's cost is in its steps."""
    request = generation.request
    if generation.calls is not None:
        assert isinstance(encoder, ChatChunks), "only chats have tools"
        return ToolSteps(encoder, generation, calls=generation.calls, form=form, token_bytes=token_bytes)
    if request.tops is None and not request.echoes and not request.continuous_usage:
        return Steps(encoder, generation)
    return DetailedSteps(encoder, generation, form=form, token_bytes=token_bytes)
