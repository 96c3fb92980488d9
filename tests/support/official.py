"""Whether an answer is of the official shape: by OpenAI's own description of its API, and by its Python package.

What we say beyond both has to be in `EXTENSIONS`. Where OpenAI's own answers differ from its description, ours do too.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pydantic
from openai.types import Completion, CreateEmbeddingResponse, Model
from openai.types.chat import ChatCompletion, ChatCompletionChunk

SCHEMAS: dict[str, Any] = json.loads((Path(__file__).parents[1] / "data" / "openai_schemas.json").read_text())
TYPES: dict[str, type[pydantic.BaseModel]] = {
    "chat": ChatCompletion,
    "chat_chunk": ChatCompletionChunk,
    "completion": Completion,
    "embeddings": CreateEmbeddingResponse,
    "model": Model,
}
# As vLLM has them, and what we say of models.
EXTENSIONS = {"stop_reason", "prompt_logprobs", "state", "status", "capabilities", "context_length", "alias_of"}


def assert_official(kind: str, raw: bytes) -> Any:
    """The parsed answer; `kind` is a key of `answers` in the data file."""
    body = json.loads(raw)
    known = _as_described(kind, json.loads(raw))
    _validator(kind).validate(known)
    if kind in TYPES:
        parsed = TYPES[kind].model_validate_json(json.dumps(known), strict=True)
        assert set(_extras(parsed)) <= EXTENSIONS
    return body


def _as_described(kind: str, body: Any) -> Any:
    """What OpenAI sends and forgets in its description of completions: nulls before the end, and vectors as texts."""
    if kind == "completion":
        for choice in body["choices"]:
            choice["finish_reason"] = choice["finish_reason"] or "stop"
            if choice["logprobs"] and choice["logprobs"]["token_logprobs"][:1] == [None]:
                choice["logprobs"]["token_logprobs"][0] = 0.0
                choice["logprobs"]["top_logprobs"][0] = {}
        if body.get("usage", "absent") is None:
            del body["usage"]
    if kind == "embeddings":
        for item in body["data"]:
            item["embedding"] = [] if isinstance(item["embedding"], str) else item["embedding"]
    return body


@cache
def _validator(kind: str) -> jsonschema.Draft202012Validator:
    schema = {"$ref": f"#/$defs/{SCHEMAS['answers'][kind]}", "$defs": SCHEMAS["$defs"]}
    return jsonschema.Draft202012Validator(schema)


def _extras(value: Any) -> Iterator[str]:
    if isinstance(value, pydantic.BaseModel):
        yield from value.model_extra or ()
        for name in type(value).model_fields:
            yield from _extras(getattr(value, name))
    elif isinstance(value, list):
        for item in value:
            yield from _extras(item)
