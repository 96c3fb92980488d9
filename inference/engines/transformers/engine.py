"""The engine's face: loads a model, and stands between the server's event loop and the decode thread."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from inference.engines.base import (
    Capability,
    Delta,
    Embeddings,
    EngineConfig,
    EngineStats,
    Prompt,
    ReportProgress,
    SamplingParams,
    Tally,
    TokenEngine,
)
from inference.engines.transformers.admission import admit
from inference.engines.transformers.architecture import Kind
from inference.engines.transformers.options import TransformersOptions
from inference.engines.transformers.sequence import Request
from inference.engines.transformers.sequence import Sequence as RunningSequence
from inference.errors import EngineClosed, InferenceError, InvalidRequest, LoadError
from inference.failure import Failure
from inference.protocol.causes import Cause
from inference.sources.identity import identity
from inference.sources.progress import Changes, Span
from inference.sources.resolve import resolve
from inference.text.stream import TextStream

if TYPE_CHECKING:
    # These import torch, which takes a second: not before `load`, so that a worker beats at once.
    from inference.engines.transformers.assembly import Parts
    from inference.engines.transformers.delivery import Inbox
    from inference.engines.transformers.loading import LoadedModel
    from inference.engines.transformers.sampling import TokenMask
    from inference.engines.transformers.ticket import Ticket

_CAPABILITIES = {
    Kind.GENERATIVE: frozenset({Capability.CHAT, Capability.COMPLETIONS, Capability.EMBEDDINGS}),
    Kind.ENCODER: frozenset({Capability.EMBEDDINGS}),
}


class TransformersEngine(TokenEngine):
    """Serves a model folder or GGUF file with the transformers library and a decode loop of our own."""

    def __init__(self, config: EngineConfig) -> None:
        super().__init__(config)
        self._options = TransformersOptions.parse(config.options)
        self._loaded: Parts | None = None

    def load(self, report: ReportProgress) -> None:
        """Resolve, load and try the model. Raises `LoadError`."""
        changes = Changes(report)
        files = resolve(self.config.model, self.config.cache_dir, Span(changes, 0, 60))
        # Loading begins where resolving ended: near the start, unless a file had to be converted.
        span = Span(changes, changes.last.percent, 100)
        from inference.engines.transformers.assembly import assemble
        from inference.engines.transformers.loading import load_model

        model = load_model(files, self._options, span.part(0.0, 0.9))
        span.at(0.9, "preparing the model")
        parts = assemble(
            model,
            self._options,
            cache_dir=self.config.cache_dir,
            on_crash=lambda *how: self.on_crash(_crash(model, *how)),
        )
        self.capabilities = _CAPABILITIES[model.kind]
        self.context_length = model.context_length
        # Texts to embed are cut into batches of their own, however many requests they come in.
        self.max_running = self._options.max_running if Capability.COMPLETIONS in self.capabilities else None
        self.tool_syntax = parts.tool_syntax
        self.backend = (*parts.backend, identity(files))
        span.at(0.95, "warming up")
        parts.loop.start()
        self._loaded = parts
        _warm_up(parts)
        span.at(1.0, "loaded")

    def encode_chat(self, messages: Sequence[Mapping[str, Any]], **template: Any) -> Prompt:
        """Messages through the tokenizer's template, the option's, or a neutral one. Raises `InvalidRequest`."""
        continued = bool(template.get("continue_final_message"))
        return Prompt(self._parts.encoder.chat(messages, **template), continued)

    def encode_text(self, text: str, *, special: bool = True) -> Prompt:
        """A plain prompt, with the special tokens that the tokenizer adds or without."""
        return Prompt(self._parts.encoder.text(text, special=special))

    async def check_grammar(self, grammar: str) -> None:
        """Compile it in a thread. Raises `InvalidRequest`."""
        await asyncio.wrap_future(self._parts.grammars.prepare(grammar))

    def token_bytes(self, token_id: int) -> bytes:
        """The bytes of one token."""
        return self._parts.token_bytes(token_id)

    async def generate(
        self, prompt: Prompt, sampling: SamplingParams, tally: Tally | None = None
    ) -> AsyncIterator[Delta]:
        """A delta a token. Closing it aborts the sequence before the next step."""
        from inference.engines.transformers.delivery import Inbox

        parts = self._parts
        if Capability.COMPLETIONS not in self.capabilities:
            raise InvalidRequest("This model makes embeddings only. Send the request to /v1/embeddings.", "model")
        request = admit(prompt.token_ids, sampling, parts.limits)
        mask = None if sampling.grammar is None else await _mask(parts, sampling.grammar)
        inbox = Inbox()
        text = TextStream(parts.decode, sampling.stop, include_stop=sampling.include_stop)
        if prompt.continued:
            text.go_on_after(prompt.token_ids)
        ticket = _ticket(parts, request, inbox, mask=mask, text=text)
        parts.loop.submit(ticket)
        (tally or Tally()).progress = ticket.sequence
        try:
            while True:
                delta = await inbox.get()
                yield delta
                if delta.finish_reason is not None:
                    return
        finally:
            parts.loop.abort(ticket)

    async def embed(self, prompts: Sequence[str | tuple[int, ...]]) -> Embeddings:
        """Vectors by the model's own recipe; for a chat model the mean of the last hidden states."""
        return await self._parts.embeddings.embed(prompts)

    def stats(self) -> EngineStats:
        """Counters since the start."""
        return EngineStats() if self._loaded is None else self._loaded.loop.stats()

    def close(self) -> None:
        """End the decode thread and let go of the model."""
        parts, self._loaded = self._loaded, None
        if parts is not None:
            parts.loop.close()
            parts.grammars.close()

    @property
    def _parts(self) -> Parts:
        if self._loaded is None:
            raise EngineClosed("The model is not loaded.")
        return self._loaded


async def _mask(parts: Parts, grammar: str) -> TokenMask:
    await asyncio.wrap_future(parts.grammars.prepare(grammar))
    return parts.grammars.mask(grammar)


def _ticket(parts: Parts, request: Request, inbox: Inbox, *, mask: TokenMask | None, text: TextStream) -> Ticket:
    from inference.engines.transformers.sampling import SamplerState
    from inference.engines.transformers.ticket import ticket_for

    sampler = SamplerState(
        request.sampling,
        request.prompt_ids,
        vocabulary=parts.limits.vocabulary,
        stop_ids=request.stop_ids,
        mask=mask,
    )
    return ticket_for(RunningSequence(request, text), inbox, sampler)


def _warm_up(parts: Parts) -> None:
    """The first pass makes the kernels' workspaces, and shows a model that cannot run before it is called ready."""
    try:
        parts.embeddings.try_out()
    except InferenceError as error:
        failure = _crash(parts.model, error)
        raise LoadError(failure.reason, failure.cause, hint=failure.hint) from error


def _crash(model: LoadedModel, error: BaseException, sequences: int = 1) -> Failure:
    """Why a loaded model does not run, or stopped running under so many sequences."""
    from inference.engines.transformers.memory import exhausted, ran_out, total_bytes

    if where := exhausted(error):
        return ran_out(model.need, total_bytes(where), device=where, sequences=sequences)
    first_line = (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
    hint = "The worker's log has the details; if it happens again, try another dtype or a newer driver."
    return Failure(f"The model was loaded, but does not run: {first_line}.", Cause.CRASHED, hint)
