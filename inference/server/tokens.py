"""POST /tokenize and /detokenize."""

from __future__ import annotations

from aiohttp import web

from inference.engines.base import Prompt, TokenEngine
from inference.protocol.errors import BadRequest
from inference.protocol.tokens import DetokenizeRequest, TokenizeRequest, token_list
from inference.server.answers import json_response
from inference.server.keys import SERVICE
from inference.server.reading import read


async def tokenize(http: web.Request) -> web.Response:
    """The tokens of a text or of a chat."""
    request = await read(http, TokenizeRequest)
    with http.app[SERVICE].admit(request.model, None) as engine:
        tokens = _encoded(engine, request).token_ids
        texts = [_text(engine, (token,)) for token in tokens] if request.return_token_strs else None
    return json_response(token_list(tokens, context_length=engine.context_length, texts=texts))


async def detokenize(http: web.Request) -> web.Response:
    """The text that tokens stand for, special ones by their names."""
    request = await read(http, DetokenizeRequest)
    with http.app[SERVICE].admit(request.model, None) as engine:
        try:
            return json_response({"prompt": _text(engine, request.tokens)})
        except OverflowError:  # of tokenizers, whose ids have 32 bits
            raise BadRequest("'tokens' has an id that no token of any model has.", param="tokens") from None


def _encoded(engine: TokenEngine, request: TokenizeRequest) -> Prompt:
    if request.prompt is not None:
        return engine.encode_text(request.prompt, special=request.add_special_tokens is not False)
    variables = {**request.chat_template_kwargs, **request.prompt_end}
    if request.tools:
        variables["tools"] = [tool.for_template() for tool in request.tools]
    return engine.encode_chat([message.for_template() for message in request.messages], **variables)


def _text(engine: TokenEngine, tokens: tuple[int, ...]) -> str:
    return b"".join(map(engine.token_bytes, tokens)).decode(errors="replace")


ROUTES = (web.post("/tokenize", tokenize), web.post("/detokenize", detokenize))
