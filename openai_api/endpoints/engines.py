"""POST /v1/engines/{model}/embeddings: OpenAI's oldest form, which some clients still use."""

from __future__ import annotations

import orjson

from inference.protocol.body import parse_body
from openai_api.endpoints.generation import GenerationConsumer


class EngineEmbeddingsConsumer(GenerationConsumer):
    """POST /v1/embeddings for the model in the path, whatever the body says of it."""

    async def handle(self, body: bytes) -> None:
        """The same request with its model."""
        named = parse_body(body) | {"model": self.scope["url_route"]["kwargs"]["name"]}
        await super().handle(orjson.dumps(named))
