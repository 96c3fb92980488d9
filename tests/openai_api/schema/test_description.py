"""The description of the inference API is whole, and what is answered is what it says."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest
from drf_spectacular.validation import validate_schema
from echo_worker import EchoWorker, echo_worker
from gateway_rig import QUESTION, Rig, model, rig

from inference.protocol.chat import ChatCompletionRequest
from openai_api import routes
from openai_api.endpoints.base import UnknownEndpoint
from openai_api.schema.document import description
from openai_api.schema.operations import OPERATIONS, Operation

DESCRIPTION: dict[str, Any] = json.loads(description(anonymous=False))
SCHEMAS: dict[str, Any] = DESCRIPTION["components"]["schemas"]
WITH_FIELDS = [operation for operation in OPERATIONS if operation.request is not None]
CALL = '<tool_call>{"name":"add","arguments":{"a":1}}</tool_call>'
COUNTED = {"stream": True, "stream_options": {"include_usage": True}}
ADD = {"tools": [{"type": "function", "function": {"name": "add", "parameters": {"type": "object"}}}]}
ASKED: list[tuple[str, dict[str, Any]]] = [
    ("/v1/chat/completions", {"messages": QUESTION, "n": 2, "seed": 1, "logprobs": True, "top_logprobs": 2}),
    ("/v1/chat/completions", {"messages": QUESTION, "prompt_logprobs": 1, "stop": ["two"]}),
    ("/v1/chat/completions", {"messages": [{"role": "user", "content": CALL}], **ADD}),
    ("/v1/chat/completions", {"messages": [{"role": "user", "content": CALL}], **ADD, **COUNTED}),
    ("/v1/chat/completions", {"messages": QUESTION, "logprobs": True, **COUNTED}),
    ("/v1/completions", {"prompt": ["one", "two"], "logprobs": 1, "echo": True, "prompt_logprobs": 1}),
    ("/v1/completions", {"prompt": "one two", "logprobs": 1, **COUNTED}),
    ("/v1/embeddings", {"input": ["one", "two"]}),
    ("/v1/embeddings", {"input": "one", "encoding_format": "base64"}),
    ("/tokenize", {"prompt": "one two", "return_token_strs": True}),
    ("/detokenize", {"tokens": [1]}),
    ("/v1/chat/completions", {"messages": []}),
]


@pytest.fixture(scope="module")
def quick() -> Iterator[EchoWorker]:
    with echo_worker(tool_format="hermes") as started:
        yield started


def test_it_is_valid_openapi() -> None:
    validate_schema(DESCRIPTION)


@pytest.mark.parametrize("operation", WITH_FIELDS, ids=lambda operation: operation.id)
def test_every_field_of_a_request_is_described(operation: Operation) -> None:
    kind = operation.request
    assert kind is not None
    fields = SCHEMAS[kind.__name__]["properties"]
    assert fields.keys() == kind.model_fields.keys() | {refusal.param for refusal in kind.refusals}
    assert all(len(field["description"]) > 10 for field in fields.values())
    assert {name for name, field in fields.items() if field["description"].startswith("Ignored")} == set(kind.idle)


def test_every_part_of_every_schema_is_described() -> None:
    silent = {
        f"{name}.{field}"
        for name, schema in SCHEMAS.items()
        for field, said in schema.get("properties", {}).items()
        if not said.get("description")
    }
    assert silent == set()
    assert all(schema.get("description") for schema in SCHEMAS.values() if "properties" in schema)


def test_the_seed_has_its_range_and_a_default_is_told() -> None:
    fields = SCHEMAS["ChatCompletionRequest"]["properties"]
    assert (fields["seed"]["minimum"], fields["seed"]["maximum"]) == (-(2**63), 2**63 - 1)
    assert (fields["n"]["default"], fields["tool_choice"]["default"]) == (1, "auto")
    assert fields["modalities"]["enum"] == [None, ["text"], []]
    assert next(iter(fields)) == "model"


def test_every_route_is_described_and_nothing_else_is() -> None:
    served = {route.pattern.regex.pattern: route for route in routes.HTTP}
    found = [operation for operation in OPERATIONS if _route(operation.path) is not None]
    assert len(found) == len(OPERATIONS) == len(served) - 1
    assert {_route(operation.path) for operation in found} == {
        pattern for pattern, route in served.items() if route.callback.consumer_class is not UnknownEndpoint
    }


def test_examples_are_valid_requests() -> None:
    for operation in WITH_FIELDS:
        assert operation.request is not None
        for example in operation.examples.values():
            assert operation.request.parse({"model": "m", **example}).model == "m"
    assert "seed" in OPERATIONS[0].examples["Whole"]


@pytest.mark.parametrize("anonymous", [False, True])
def test_who_needs_no_key_is_said(anonymous: bool) -> None:
    paths = json.loads(description(anonymous=anonymous))["paths"]
    assert paths["/v1/chat/completions"]["post"]["security"] == [{"apiKey": []}, *([{}] if anonymous else [])]
    assert paths["/metrics"]["get"]["security"] == [{"apiKey": []}]
    assert paths["/health"]["get"]["security"] == []


def test_what_a_request_may_be_is_what_the_description_says() -> None:
    said = validator("ChatCompletionRequest")
    for fields, right in (
        ({"stop": "a"}, True),
        ({"stop": [""]}, False),
        ({"logit_bias": {"7": -100}}, True),
        ({"logit_bias": {"a": 1}}, False),
        ({"messages": [{"role": "user", "content": [{"type": "text", "text": "a"}]}]}, True),
        ({"seed": 2**63}, False),
        ({"temperature": None}, True),
        ({"echo": True}, False),
    ):
        body = {"model": "m", "messages": QUESTION} | fields
        assert said.is_valid(body) == right == _parses(body), fields


@pytest.mark.processes
async def test_what_is_answered_is_described_and_nothing_is_left_out(quick: EchoWorker) -> None:
    async with rig(model("echo", quick.replica, aliases=("other",))) as here:
        asked = [await assert_described(here, "post", path, json={"model": "echo", **body}) for path, body in ASKED]
        assert asked == [200] * (len(ASKED) - 1) + [400]
        assert await assert_described(here, "post", "/v1/engines/{model}/embeddings", json={"input": "one"}) == 200
        for path in ("/v1/models", "/v1/models/{model}", "/health", "/ready"):
            assert await assert_described(here, "get", path) == 200
        async with here.http.get("/v1/openapi.json", headers={"Authorization": ""}) as response:
            assert await response.json() == DESCRIPTION


async def assert_described(here: Rig, method: str, path: str, **asked: Any) -> int:
    """The status."""
    async with here.http.request(method, path.replace("{model}", "other"), **asked) as response:
        said = DESCRIPTION["paths"][path][method]["responses"][str(response.status)]
        said = SCHEMAS_OF[said["$ref"]] if "$ref" in said else said
        content = said["content"][response.content_type]
        answer = await response.text()
    if response.content_type == "application/json":
        validator(content["schema"]["$ref"].rpartition("/")[2], closed=True).validate(json.loads(answer))
        return response.status
    *events, done = [line.removeprefix("data: ") for line in answer.split("\n\n") if line]
    assert done == "[DONE]"
    said = content["schema"]["properties"]["data"]["contentSchema"]["anyOf"][0]
    for event in events:
        validator(said["$ref"].rpartition("/")[2], closed=True).validate(json.loads(event))
    return response.status


SCHEMAS_OF = {
    f"#/components/responses/{name}": response for name, response in DESCRIPTION["components"]["responses"].items()
}


def validator(name: str, *, closed: bool = False) -> jsonschema.Draft202012Validator:
    """For one schema; closed, what it does not name is wrong."""
    document = json.loads(json.dumps(SCHEMAS).replace('"additionalProperties": true', '"additionalProperties": false'))
    schemas = document if closed else SCHEMAS
    return jsonschema.Draft202012Validator({"$ref": f"#/components/schemas/{name}", "components": {"schemas": schemas}})


def _parses(body: dict[str, Any]) -> bool:
    from inference.protocol.errors import BadRequest

    try:
        ChatCompletionRequest.parse(body)
    except BadRequest:
        return False
    return True


def _route(path: str) -> str | None:
    """The pattern that answers a described path."""
    asked = re.sub(r"\{\w+\}", "some/name", path).lstrip("/")
    return next((route.pattern.regex.pattern for route in routes.HTTP if route.pattern.regex.search(asked)), None)
