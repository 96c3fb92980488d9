"""POST /v1/chat/completions."""

from __future__ import annotations

from aiohttp import web

from inference.engines.base import Capability
from inference.protocol.body import parse_body
from inference.protocol.chat import ChatCompletionRequest
from inference.server.answers import CHAT, answer
from inference.server.drafts import Generation
from inference.server.generation import choice_specs, sampling_params
from inference.server.keys import SERVICE


async def create_chat_completion(http: web.Request) -> web.StreamResponse:
    """Answer a conversation."""
    request = ChatCompletionRequest.parse(parse_body(await http.read()))
    with http.app[SERVICE].admit(request.model, Capability.CHAT) as engine:
        prompt = engine.encode_chat([message.for_template() for message in request.messages])
        specs = choice_specs([prompt], sampling_params(request), n=request.n)
        return await answer(http, engine, generation=Generation(request, specs, len(prompt.token_ids)), form=CHAT)


ROUTES = (web.post("/v1/chat/completions", create_chat_completion),)
