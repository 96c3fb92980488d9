"""POST /v1/embeddings: the request, and its answer."""

from __future__ import annotations

import base64
from array import array
from collections.abc import Iterable, Sequence
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from inference.protocol.problems import problem
from inference.protocol.prompts import TextOrTokens, prompt_list
from inference.protocol.requests import ApiRequest

EncodingFormat = Literal["float", "base64"]


def _inputs(value: object) -> object:
    texts = value if isinstance(value, list) else [value]
    if "" in texts:
        at = f"[{texts.index('')}]" if texts is value else ""
        raise problem("must not be empty", at=at)
    return prompt_list(value)


class EmbeddingRequest(ApiRequest):
    """Texts to be embedded."""

    input: Annotated[tuple[TextOrTokens, ...], BeforeValidator(_inputs)]
    encoding_format: EncodingFormat = "float"
    dimensions: int | None = Field(None, ge=1)


def embedding_list(
    vectors: Iterable[Sequence[float]], *, model: str, encoding_format: EncodingFormat, prompt_tokens: int
) -> dict[str, Any]:
    """The answer of POST /v1/embeddings."""
    encode = _base64 if encoding_format == "base64" else list
    data = [{"object": "embedding", "index": i, "embedding": encode(vector)} for i, vector in enumerate(vectors)]
    usage = {"prompt_tokens": prompt_tokens, "total_tokens": prompt_tokens}
    return {"object": "list", "data": data, "model": model, "usage": usage}


def _base64(vector: Sequence[float]) -> str:
    # Little-endian float32, which is what OpenAI's clients decode; every platform that we run on is little-endian.
    return base64.b64encode(array("f", vector).tobytes()).decode("ascii")
