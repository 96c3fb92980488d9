"""The description as one JSON document."""

from __future__ import annotations

from functools import cache
from importlib.metadata import version
from typing import Any

import orjson
from pydantic import BaseModel

from openai_api.models import Scope
from openai_api.schema.answers import EmbeddingList, Error
from openai_api.schema.failures import failure_responses, response_name
from openai_api.schema.fields import Schema, answer_schemas, ref, request_schemas
from openai_api.schema.operations import OPERATIONS, Operation

# What examples ask; the page that shows them puts in models that are there.
CHATTING, EMBEDDING = "chat-model", "embedding-model"
KEY = "apiKey"
ABOUT = (
    "OpenAI's API, answered by this server's models. A null is the same as an absent field. What would change an "
    "answer and cannot be honoured is refused; what has no effect is named in a header of the answer."
)
STREAMED = "A server-sent event. Comments between them say that the request waits. The last `data` is `[DONE]`."
NOT_LOOKED_AT = {"description": "Not looked at: the path names the model."}
NAMED = {"name": "model", "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
NUMBER, TEXT = {"type": "integer"}, {"type": "string"}
HEADERS: dict[str, tuple[str, Schema]] = {
    "X-Request-Id": ("The request's own, or what is in the log of this one.", TEXT),
    "Retry-After": ("Seconds until asking again makes sense.", NUMBER),
    "X-Modelyard-Ignored-Fields": ("Fields of the request that had no effect.", TEXT),
    "X-RateLimit-Limit-Requests": ("For callers with limits, about the one with least left.", NUMBER),
    "X-RateLimit-Remaining-Requests": ("Requests that are left.", NUMBER),
    "X-RateLimit-Reset-Requests": ("Until all are there again, such as `6s`.", TEXT),
    "X-RateLimit-Limit-Tokens": ("For callers with limits, about the one with least left.", NUMBER),
    "X-RateLimit-Remaining-Tokens": ("Tokens that are left.", NUMBER),
    "X-RateLimit-Reset-Tokens": ("Until all are there again, such as `6s`.", TEXT),
}


@cache
def description(*, anonymous: bool) -> bytes:
    """The document, for a server that lets anonymous callers in or not. It takes a tenth of a second, once."""
    return orjson.dumps(_document(anonymous=anonymous))


def _document(*, anonymous: bool) -> dict[str, Any]:
    return {
        "openapi": "3.1.0",
        "info": {"title": "Modelyard inference API", "version": version("modelyard"), "description": ABOUT},
        "paths": _paths(anonymous=anonymous),
        "components": {
            "schemas": _schemas(),
            "responses": failure_responses(),
            "headers": {name: {"description": about, "schema": schema} for name, (about, schema) in HEADERS.items()},
            "securitySchemes": {KEY: {"type": "http", "scheme": "bearer", "description": "An API key, `my-…`."}},
        },
    }


def _paths(*, anonymous: bool) -> dict[str, Any]:
    paths: dict[str, Any] = {}
    for operation in OPERATIONS:
        described = {**_described(operation), "security": _security(operation, anonymous=anonymous)}
        if operation.model_in_path:
            described["parameters"] = [{**NAMED, "description": "A model's name or one of its aliases."}]
        if operation.request is not None:
            described["requestBody"] = _body(operation)
        paths.setdefault(operation.path, {})[operation.method] = described
    return paths


def _described(operation: Operation) -> dict[str, Any]:
    refused = {
        str(status): {"$ref": f"#/components/responses/{response_name(status)}"} for status in operation.statuses
    }
    return {
        "operationId": operation.id,
        "tags": [operation.tag],
        "summary": operation.summary,
        "description": operation.about,
        "responses": {"200": _answered(operation), **refused},
    }


def _security(operation: Operation, *, anonymous: bool) -> list[dict[str, list[str]]]:
    if operation.scope is None:
        return []
    free = anonymous and operation.scope == Scope.INFERENCE
    return [{KEY: []}, *([{}] if free else [])]


def _body(operation: Operation) -> dict[str, Any]:
    model = EMBEDDING if operation.answer is EmbeddingList else CHATTING
    named = {} if operation.model_in_path else {"model": model}
    examples = {name: {"value": named | dict(fields)} for name, fields in operation.examples.items()}
    assert operation.request is not None  # only asked for operations that have one
    schema = {"$ref": ref(operation.request)["$ref"] + ("InPath" if operation.model_in_path else "")}
    return {"required": True, "content": {"application/json": {"schema": schema, "examples": examples}}}


def _answered(operation: Operation) -> dict[str, Any]:
    rates = operation.request is not None
    names = [name for name in HEADERS if name == "X-Request-Id" or (rates and name != "Retry-After")]
    headers = {name: {"$ref": f"#/components/headers/{name}"} for name in names}
    return {"description": "The answer.", "headers": headers, "content": _content(operation)}


def _content(operation: Operation) -> dict[str, Any]:
    if operation.text is not None:
        kind = "object" if operation.text.endswith("json") else "string"
        return {operation.text: {"schema": {"type": kind}}}
    assert operation.answer is not None  # else it is text
    content: dict[str, Any] = {"application/json": {"schema": ref(operation.answer)}}
    if operation.event is not None:
        content["text/event-stream"] = {"schema": _event(operation.event)}
    return content


def _event(kind: type[BaseModel]) -> Schema:
    """As OpenAPI 3.2 has it, one event as an object: 3.1 has no words for a stream."""
    text = {
        "type": "string",
        "contentMediaType": "application/json",
        "contentSchema": {"anyOf": [ref(kind), ref(Error)]},
    }
    return {"type": "object", "description": STREAMED, "required": ["data"], "properties": {"data": text}}


def _schemas() -> dict[str, Schema]:
    requests = dict.fromkeys(operation.request for operation in OPERATIONS if operation.request is not None)
    kinds = (kind for operation in OPERATIONS for kind in (operation.answer, operation.event) if kind is not None)
    schemas = request_schemas(requests) | answer_schemas(dict.fromkeys((*kinds, Error)))
    for operation in OPERATIONS:
        if operation.request is not None and operation.model_in_path:
            whole = schemas[operation.request.__name__]
            schemas[f"{operation.request.__name__}InPath"] = _model_in_path(whole)
    return dict(sorted(schemas.items()))


def _model_in_path(whole: Schema) -> Schema:
    required = [name for name in whole["required"] if name != "model"]
    return {**whole, "properties": {**whole["properties"], "model": NOT_LOOKED_AT}, "required": required}
