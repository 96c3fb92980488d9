"""What vLLM 0.32 says when it refuses, and how clients see it."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from inference.server.foreign_errors import first_error, in_our_envelope

TOO_LONG = "This model's maximum context length is 2048 tokens. Please reduce the length of the input prompt."
TOO_MANY = "max_tokens=5000 cannot be greater than max_model_len=2048. Please request fewer output tokens."
BIAS = "token_id(s) [99999999] in logit_bias contain out-of-vocab token ids. Vocabulary size: 49152"
TYPES = "{'type': 'dict_type', 'loc': 'body.%s', 'msg': %s, 'input': '1'}\n"
INVALID = "invalid_request_error"


def refusal(message: str, param: str | None = None, code: int | str = 400) -> bytes:
    return orjson.dumps({"error": {"message": message, "type": "BadRequestError", "param": param, "code": code}})


@pytest.mark.parametrize(
    ("said", "status", "error"),
    [
        (
            refusal(TOO_LONG + " (parameter=input_tokens, value=2049)", "input_tokens"),
            400,
            (TOO_LONG, INVALID, None, "context_length_exceeded"),
        ),
        (
            refusal(TOO_MANY + " (parameter=max_tokens, value=5000)", "max_tokens"),
            400,
            (TOO_MANY, INVALID, "max_tokens", "context_length_exceeded"),
        ),
        (
            refusal(BIAS + " (parameter=logit_bias, value=[99999999])", "logit_bias"),
            400,
            (BIAS, INVALID, "logit_bias", "invalid_value"),
        ),
        (
            refusal("smol is not a multimodal model"),
            400,
            ("smol is not a multimodal model", INVALID, None, "invalid_value"),
        ),
        (
            refusal("2 validation errors:\n  " + TYPES % ("documents.0", "'Not a dictionary'") + TYPES % ("b", "'c'")),
            400,
            ("'documents.0': Not a dictionary.", INVALID, "documents.0", "invalid_value"),
        ),
        (
            refusal("1 validation error:\n  " + TYPES % ("a", "\"Should be 'b' or 'c'\""), "body.a"),
            400,
            ("'a': Should be 'b' or 'c'.", INVALID, "a", "invalid_value"),
        ),
        (refusal("The model is gone", code="gone"), 404, ("The model is gone", INVALID, None, "gone")),
        (refusal("Later", code=429), 429, ("Later", "rate_limit_error", None, "engine_overloaded")),
        (refusal("EngineCore died", code=500), 500, ("EngineCore died", "server_error", None, None)),
        (b'{"detail":"Not Found"}', 404, ("Not Found", INVALID, None, "not_found")),
        (b'{"error":"no"}', 422, ("no", INVALID, None, "invalid_value")),
        (b"Internal Server Error", 500, ("The model's server failed and did not say why.", "server_error", None, None)),
        (b"[]", 400, ("The model's server refused the request and did not say why.", INVALID, None, "invalid_value")),
    ],
)
def test_it_keeps_its_words_and_gets_openais_type_and_a_code(said: bytes, status: int, error: tuple[Any, ...]) -> None:
    told = orjson.loads(in_our_envelope(said, status))["error"]
    assert tuple(told[name] for name in ("message", "type", "param", "code")) == error


@pytest.mark.parametrize(("code", "kind"), [(400, INVALID), (500, "server_error"), ("odd", "server_error")])
def test_in_the_middle_of_a_stream_its_code_is_the_status(code: int | str, kind: str) -> None:
    assert orjson.loads(in_our_envelope(refusal("Stop.", code=code)))["error"]["type"] == kind


@pytest.mark.parametrize(
    ("event", "status"),
    [
        (b"data: " + refusal("No.") + b"\n\ndata: [DONE]\n\n", 400),
        (b"data: " + refusal("No.", code="odd") + b"\n\n", 500),
        (b"data: " + refusal("No.", code=7) + b"\n\n", 500),
        (b'data: {"choices":[{"delta":{"content":"data: {\\"error\\"}"}}]}\n\n', None),
        (b'data: {"error":{', None),
        (b"", None),
    ],
)
def test_an_error_that_a_stream_begins_with_is_told_from_words(event: bytes, status: int | None) -> None:
    found = first_error(event)
    assert (found and found[1]) == status
