"""The envelope of errors."""

from __future__ import annotations

import json

import pytest

from inference.protocol import errors
from inference.protocol.capabilities import wrong_endpoint


@pytest.mark.parametrize(
    ("error", "status", "kind", "code"),
    [
        (errors.BadRequest("x"), 400, "invalid_request_error", None),
        (errors.Unauthorized("x"), 401, "authentication_error", "invalid_api_key"),
        (errors.Forbidden("x"), 403, "permission_error", "permission_denied"),
        (errors.NotFound("x"), 404, "invalid_request_error", "not_found"),
        (errors.ModelNotFound("m"), 404, "invalid_request_error", "model_not_found"),
        (errors.PayloadTooLarge(5), 413, "invalid_request_error", "request_too_large"),
        (errors.TooManyRequests("x"), 429, "rate_limit_error", "rate_limit_exceeded"),
        (errors.InternalServerError(), 500, "server_error", "internal_error"),
        (errors.ServiceUnavailable("x"), 503, "server_error", "service_unavailable"),
    ],
)
def test_each_error_has_its_status_type_and_code(
    error: errors.ApiError, *, status: int, kind: str, code: str | None
) -> None:
    envelope = json.loads(error.as_bytes())
    assert error.status == status
    assert envelope == {"error": {"message": error.message, "type": kind, "param": error.param, "code": code}}


@pytest.mark.parametrize(("seconds", "header"), [(0.0, "1"), (1.2, "2"), (30, "30")])
def test_retry_after_is_in_whole_seconds_and_never_zero(seconds: float, header: str) -> None:
    assert errors.TooManyRequests("x", retry_after_s=seconds).headers == {"Retry-After": header}


def test_a_long_name_of_a_model_does_not_come_back_whole() -> None:
    assert len(errors.ModelNotFound("x" * 100_000).message) < 400


def test_the_wrong_endpoint_names_the_right_ones() -> None:
    error = wrong_endpoint("e5", "chat", capabilities={"embeddings"})
    assert error.message == "The model 'e5' does not serve chat. Use /v1/embeddings."
    assert (error.status, error.param, error.code) == (400, "model", "wrong_endpoint")
