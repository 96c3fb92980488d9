"""Vectors as an answer: both encodings, shorter ones, and large ones in parts."""

from __future__ import annotations

import base64
import struct
from typing import Any

import numpy as np
import orjson
import pytest
from openai.types import CreateEmbeddingResponse

from inference.protocol.embeddings import EncodingFormat, embedding_list, shortened
from inference.protocol.errors import BadRequest


def answer(vectors: Any, encoding_format: EncodingFormat = "float") -> Any:
    numbers = np.array(vectors, dtype=np.float32)
    return orjson.loads(b"".join(embedding_list(numbers, model="m", encoding_format=encoding_format, prompt_tokens=2)))


def test_vectors_come_as_numbers_or_as_little_endian_floats() -> None:
    plain = CreateEmbeddingResponse.model_validate(answer([[0.5, -1.0]]), strict=True)
    assert plain.data[0].embedding == [0.5, -1.0]
    assert (plain.object, plain.model, plain.usage.prompt_tokens, plain.usage.total_tokens) == ("list", "m", 2, 2)
    packed = answer([[0.5, -1.0]], "base64")["data"][0]["embedding"]
    assert struct.unpack("<2f", base64.b64decode(packed)) == (0.5, -1.0)


@pytest.mark.parametrize("encoding_format", ["float", "base64"])
def test_a_large_answer_in_parts_is_the_same_as_a_small_one(encoding_format: EncodingFormat) -> None:
    vectors = np.random.default_rng(1).normal(size=(200, 1024)).astype(np.float32)
    parts = list(embedding_list(vectors, model="m", encoding_format=encoding_format, prompt_tokens=2))
    assert len(parts) == 6
    data = orjson.loads(b"".join(parts))["data"]
    assert [item["index"] for item in data] == list(range(200))
    assert data[199]["embedding"] == answer(vectors[199:], encoding_format)["data"][0]["embedding"]


def test_numbers_survive_the_way_through_json_bit_for_bit() -> None:
    vectors = np.random.default_rng(2).normal(size=(3, 50)).astype(np.float32)
    read = [item["embedding"] for item in answer(vectors)["data"]]
    assert (np.array(read, dtype=np.float32) == vectors).all()


def test_shortening_keeps_the_direction_and_gives_the_length_one() -> None:
    assert shortened([[3.0, 4.0, 12.0], [0.0, 0.0, 1.0]], 2).tolist() == [pytest.approx([0.6, 0.8]), [0.0, 0.0]]
    assert shortened([[3.0, 4.0]], None).tolist() == shortened([[3.0, 4.0]], 2).tolist() == [[3.0, 4.0]]
    with pytest.raises(BadRequest, match="'dimensions' must be at most 1, the length of this model's vectors, not 2"):
        shortened([[1.0]], 2)
