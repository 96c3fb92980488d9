"""POST /v1/chat/completions."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from aiohttp import web

from inference.engines.base import Capability, TokenEngine
from inference.protocol.chat import ChatCompletionRequest
from inference.server.answers import CHAT, answer
from inference.server.drafts import Generation
from inference.server.generation import choice_specs, sampling_params
from inference.server.keys import SERVICE
from inference.server.reading import read
from inference.server.structure import chat_grammar, expected_calls, tool_syntax


async def create_chat_completion(http: web.Request) -> web.StreamResponse:
    """Answer a conversation."""
    request = await read(http, ChatCompletionRequest)
    with http.app[SERVICE].admit(request.model, Capability.CHAT) as engine:
        generation = await _generation(engine, request)
        return await answer(http, engine, generation=generation, form=CHAT)


async def _generation(engine: TokenEngine, request: ChatCompletionRequest) -> Generation:
    syntax = tool_syntax(request, engine)
    messages = [message.for_template() for message in request.messages]
    prompt = engine.encode_chat(messages, **_template_variables(request))
    grammar = await chat_grammar(engine, request, syntax)
    specs = choice_specs([prompt], replace(sampling_params(request), grammar=grammar), n=request.n)
    return Generation(request, specs, len(prompt.token_ids), expected_calls(request, syntax))


def _template_variables(request: ChatCompletionRequest) -> dict[str, Any]:
    """Tools only when there are any: templates say other things to a model that has tools, if only an empty list."""
    tools = [tool.for_template() for tool in request.usable_tools]
    return {**request.chat_template_kwargs, **request.prompt_end, **({"tools": tools} if tools else {})}


ROUTES = (web.post("/v1/chat/completions", create_chat_completion),)
