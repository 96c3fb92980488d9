"""POST /v1/embeddings."""

from __future__ import annotations

import asyncio

from aiohttp import web

from inference.engines.base import Capability
from inference.protocol.embeddings import EmbeddingRequest, embedding_list, shortened
from inference.server.accounting import ACCOUNT
from inference.server.keys import SERVICE
from inference.server.reading import read


async def create_embeddings(http: web.Request) -> web.StreamResponse:
    """Vectors of one or several texts."""
    request = await read(http, EmbeddingRequest)
    with http.app[SERVICE].admit(request.model, Capability.EMBEDDINGS) as engine:
        result = await engine.embed(request.input)
    if ACCOUNT in http:
        http[ACCOUNT].embedded(result.prompt_tokens)
    vectors = shortened(result.vectors, request.dimensions)
    parts = []
    for part in embedding_list(
        vectors, model=request.model, encoding_format=request.encoding_format, prompt_tokens=result.prompt_tokens
    ):
        parts.append(part)
        # Streams of other requests go on meanwhile.
        await asyncio.sleep(0)
    return web.Response(body=b"".join(parts), content_type="application/json")


ROUTES = (web.post("/v1/embeddings", create_embeddings),)
