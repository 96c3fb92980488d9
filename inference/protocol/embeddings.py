"""POST /v1/embeddings: the request, and its answer."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal

import orjson
from pydantic import BeforeValidator, Field

from inference.protocol.errors import BadRequest
from inference.protocol.problems import problem
from inference.protocol.prompts import Inputs, TextOrTokens, prompt_list
from inference.protocol.requests import ApiRequest

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vectors = NDArray[np.float32]

EncodingFormat = Literal["float", "base64"]

# So many numbers are written in about 3 ms.
_NUMBERS_A_PART = 1 << 16


def _inputs(value: object) -> object:
    texts = value if isinstance(value, list) else [value]
    if "" in texts:
        at = f"[{texts.index('')}]" if texts is value else ""
        raise problem("must not be empty", at=at)
    return prompt_list(value)


class EmbeddingRequest(ApiRequest):
    """Texts to be embedded."""

    input: Annotated[tuple[TextOrTokens, ...], BeforeValidator(_inputs, json_schema_input_type=Inputs)] = Field(
        description="What to embed: a text, token ids, or a list of either. None may be empty."
    )
    encoding_format: EncodingFormat = Field(
        "float", description="`base64`: little-endian 32-bit floats, half the size."
    )
    dimensions: int | None = Field(
        None, ge=1, description="Only the first so many numbers, again with length one, for models trained for it."
    )


def shortened(vectors: Vectors | Sequence[Sequence[float]], dimensions: int | None) -> Vectors:
    """The first `dimensions` numbers of each vector, again with length one. Raises `BadRequest` for too many.

    Models that are trained for it (Matryoshka) put the most important numbers first.
    """
    import numpy as np

    whole = np.asarray(vectors, dtype=np.float32)
    width = whole.shape[1]
    if dimensions is None or dimensions == width:
        return whole
    if dimensions > width:
        message = f"'dimensions' must be at most {width}, the length of this model's vectors, not {dimensions}."
        raise BadRequest(message, param="dimensions")
    heads = whole[:, :dimensions]
    lengths = np.linalg.norm(heads, axis=1, keepdims=True)
    # The smallest length there is, so that zeros stay zeros.
    shorter: Vectors = heads / np.maximum(lengths, np.finfo(np.float32).tiny)
    return shorter


def embedding_list(
    vectors: Vectors, *, model: str, encoding_format: EncodingFormat, prompt_tokens: int
) -> Iterator[bytes]:
    """The answer of POST /v1/embeddings in parts, so that a large one does not hold up others while it is written."""
    step = max(1, _NUMBERS_A_PART // vectors.shape[1])
    yield b'{"object":"list","data":['
    for start in range(0, len(vectors), step):
        encoded = _encoded(vectors[start : start + step], encoding_format)
        data = [{"object": "embedding", "index": start + i, "embedding": vector} for i, vector in enumerate(encoded)]
        written = orjson.dumps(data, option=orjson.OPT_SERIALIZE_NUMPY)[1:-1]
        yield written if start == 0 else b"," + written
    usage = {"prompt_tokens": prompt_tokens, "total_tokens": prompt_tokens}
    yield b"]," + orjson.dumps({"model": model, "usage": usage})[1:]


def _encoded(vectors: Vectors, encoding_format: EncodingFormat) -> list[Any]:
    if encoding_format == "float":
        return list(vectors)
    # Little-endian float32, which is what OpenAI's clients decode; every platform that we run on is little-endian.
    return [base64.b64encode(vector.tobytes()).decode("ascii") for vector in vectors]
