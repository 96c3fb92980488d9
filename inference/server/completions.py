"""POST /v1/completions."""

from __future__ import annotations

from dataclasses import replace

from aiohttp import web

from inference.engines.base import Capability, Prompt, TokenEngine
from inference.protocol.completions import DEFAULT_MAX_TOKENS, CompletionRequest
from inference.protocol.prompts import TextOrTokens
from inference.server.answers import COMPLETION, answer
from inference.server.drafts import Generation
from inference.server.generation import ChoiceSpec, choice_specs, sampling_params
from inference.server.keys import SERVICE
from inference.server.reading import read
from inference.server.structure import answer_grammar


async def create_completion(http: web.Request) -> web.StreamResponse:
    """Continue one or several prompts."""
    request = await read(http, CompletionRequest)
    with http.app[SERVICE].admit(request.model, Capability.COMPLETIONS) as engine:
        prompts = [_encode(engine, prompt) for prompt in request.prompt]
        sampling = replace(sampling_params(request), grammar=await answer_grammar(engine, request.constraint))
        specs = choice_specs(prompts, sampling, n=request.candidates)
        if request.echo:
            texts = [_text(engine, prompt) for prompt in request.prompt]
            specs = [replace(spec, echo=texts[spec.index // request.candidates]) for spec in specs]
        if request.max_tokens is None:
            specs = [_within(engine.context_length, spec) for spec in specs]
        prompt_tokens = sum(len(prompt.token_ids) for prompt in prompts)
        return await answer(http, engine, generation=Generation(request, specs, prompt_tokens), form=COMPLETION)


def _within(context_length: int, spec: ChoiceSpec) -> ChoiceSpec:
    """A limit that the client never named must not be what makes its request too long for the model."""
    room = max(1, context_length - len(spec.prompt.token_ids))
    return replace(spec, sampling=replace(spec.sampling, max_tokens=min(DEFAULT_MAX_TOKENS, room)))


def _encode(engine: TokenEngine, prompt: TextOrTokens) -> Prompt:
    return engine.encode_text(prompt) if isinstance(prompt, str) else Prompt(prompt)


def _text(engine: TokenEngine, prompt: TextOrTokens) -> str:
    return prompt if isinstance(prompt, str) else b"".join(map(engine.token_bytes, prompt)).decode(errors="replace")


ROUTES = (web.post("/v1/completions", create_completion),)
