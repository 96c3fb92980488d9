"""Answers with the words of the question, one at a time."""

from __future__ import annotations

import asyncio
import math
import os
import signal
import threading
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from inference.engines.base import (
    Capability,
    Delta,
    Embeddings,
    EngineConfig,
    EngineStats,
    LoadProgress,
    Prompt,
    ReportProgress,
    SamplingParams,
    Tally,
    TokenEngine,
)
from inference.engines.echo import words
from inference.engines.echo.counters import Counters
from inference.engines.echo.options import EchoOptions
from inference.engines.echo.speech import Speech
from inference.errors import EngineClosed, InvalidRequest, LoadError
from inference.protocol.causes import Cause
from inference.tools.formats import FORMATS, ToolSyntax

# Steps in which a slow load reports its progress.
_LOAD_STEPS = 20
# What `sysexits.h` calls an internal software error: not one of the codes that a worker exits with on purpose.
_CRASH_CODE = 70
# Seconds after which a pause looks whether the engine was closed.
_LONGEST_NAP_S = 0.05


class EchoEngine(TokenEngine):
    """Deterministic: the same request gives the same words, whatever else runs."""

    reads_files = False

    def __init__(self, config: EngineConfig) -> None:
        super().__init__(config)
        self._options = EchoOptions.parse(config.options)
        self.capabilities = frozenset(map(Capability, self._options.capabilities))
        self.context_length = self._options.context_length
        self.max_running = self._options.max_running
        if self._options.tool_format is not None:
            self.tool_syntax = ToolSyntax(FORMATS[self._options.tool_format])
        self._counters = Counters()
        self._ballast = bytearray()
        self._closed = threading.Event()

    def load(self, report: ReportProgress) -> None:
        """Take `load_seconds` and `memory_mb`; fail as told to."""
        if self._options.require_path and not self.config.model.exists():
            reason = f"There is no model at {self.config.model}."
            raise LoadError(reason, Cause.FILES_MISSING, hint="Check the path of the model.")
        for step in range(_LOAD_STEPS):
            report(LoadProgress(100 * step // _LOAD_STEPS, "loading echoes"))
            if self._closed.wait(self._options.load_seconds / _LOAD_STEPS):
                raise LoadError("The engine was closed while it loaded.", Cause.KILLED, hint="Start it again.")
        if self._options.fail_load is not None:
            raise LoadError(self._options.fail_load, self._options.fail_cause)
        # Ones, since the kernel hands out pages of zeros without taking memory for them.
        self._ballast = bytearray(b"\x01") * (self._options.memory_mb << 20)
        report(LoadProgress(100, "loaded"))

    def encode_chat(self, messages: Sequence[Mapping[str, Any]], **template: Any) -> Prompt:
        """A token a word, and one a message for its role; there is no template that could see anything else."""
        return Prompt(words.encode_messages(messages), bool(template.get("continue_final_message")))

    def encode_text(self, text: str, *, special: bool = True) -> Prompt:
        """A token a word; there are no special ones."""
        return Prompt(words.encode(text))

    def token_bytes(self, token_id: int) -> bytes:
        """A word."""
        return b"<end>" if token_id == words.END else words.decode(token_id).encode()

    async def generate(
        self, prompt: Prompt, sampling: SamplingParams, tally: Tally | None = None
    ) -> AsyncIterator[Delta]:
        """The words of the question, a delta each."""
        limit = self._limit(prompt, sampling.max_tokens)
        speech = Speech(prompt, sampling, limit=limit, tells_time=self._options.tells_time)
        (tally or Tally()).progress = speech
        self._counters.started()
        try:
            while not speech.finished:
                await self._pause_before(speech.completion_tokens)
                delta = speech.step()
                if delta.completion_tokens:
                    self._counters.token()
                yield delta
        finally:
            self._counters.ended(aborted=not speech.finished)
            speech.finished = True

    async def embed(self, prompts: Sequence[str | tuple[int, ...]]) -> Embeddings:
        """Vectors made of a hash of the tokens: equal texts have equal ones."""
        encoded = [words.encode(prompt) if isinstance(prompt, str) else prompt for prompt in prompts]
        for token_ids in encoded:
            self._room(token_ids)
        await self._pause(self._options.token_delay_ms / 1000)
        vectors = [words.unit_vector(repr(ids).encode(), self._options.dimensions) for ids in encoded]
        return Embeddings(vectors, sum(map(len, encoded)))

    def stats(self) -> EngineStats:
        """Counters since the start."""
        return self._counters.stats()

    def close(self) -> None:
        """End every sequence, also those that hang."""
        self._closed.set()
        self._ballast = bytearray()

    def _room(self, token_ids: Sequence[int]) -> int:
        room = self.context_length - len(token_ids)
        if room < 1:
            message = f"The prompt has {len(token_ids)} tokens, but the model's context holds {self.context_length}."
            raise InvalidRequest(message, code="context_length_exceeded")
        return room

    def _limit(self, prompt: Prompt, wanted: int | None) -> int:
        room = self._room(prompt.token_ids)
        if wanted is not None and wanted > room:
            message = f"{wanted} tokens are asked for, but the model's context has room for {room}. Ask for fewer."
            raise InvalidRequest(message, "max_tokens", code="context_length_exceeded")
        return room if wanted is None else wanted

    async def _pause_before(self, count: int) -> None:
        if count == self._options.crash_after_tokens:
            self._crash()
        hangs = count == self._options.hang_after_tokens
        await self._pause(math.inf if hangs else self._options.token_delay_ms / 1000)

    async def _pause(self, seconds: float) -> None:
        # In naps, because `close` may come from another thread, which cannot set an event of this loop.
        deadline = time.monotonic() + seconds
        await asyncio.sleep(min(seconds, _LONGEST_NAP_S))
        while not self._closed.is_set() and (left := deadline - time.monotonic()) > 0:  # noqa: ASYNC110
            await asyncio.sleep(min(left, _LONGEST_NAP_S))
        if self._closed.is_set():
            raise EngineClosed("The model was stopped while it answered.")

    def _crash(self) -> None:
        if self._options.crash_signal is not None:
            os.kill(os.getpid(), signal.Signals[self._options.crash_signal])
        os._exit(_CRASH_CODE)
