"""POST /v1/embeddings."""

from __future__ import annotations

import math
from collections.abc import Sequence

from aiohttp import web

from inference.engines.base import Capability
from inference.protocol.body import parse_body
from inference.protocol.embeddings import EmbeddingRequest, embedding_list
from inference.protocol.errors import BadRequest
from inference.server.answers import json_response
from inference.server.keys import SERVICE


async def create_embeddings(http: web.Request) -> web.StreamResponse:
    """Vectors of one or several texts."""
    request = EmbeddingRequest.parse(parse_body(await http.read()))
    with http.app[SERVICE].admit(request.model, Capability.EMBEDDINGS) as engine:
        result = await engine.embed(request.input)
    vectors = [shorten(vector, request.dimensions) for vector in result.vectors]
    body = embedding_list(
        vectors, model=request.model, encoding_format=request.encoding_format, prompt_tokens=result.prompt_tokens
    )
    return json_response(body)


def shorten(vector: Sequence[float], dimensions: int | None) -> Sequence[float]:
    """The first `dimensions` numbers, again with length one. Raises `BadRequest` when there are fewer."""
    if dimensions is None or dimensions == len(vector):
        return vector
    if dimensions > len(vector):
        message = f"'dimensions' must be at most {len(vector)}, the length of this model's vectors, not {dimensions}."
        raise BadRequest(message, param="dimensions")
    head = vector[:dimensions]
    length = math.sqrt(math.fsum(number * number for number in head)) or 1.0
    return [number / length for number in head]


ROUTES = (web.post("/v1/embeddings", create_embeddings),)
