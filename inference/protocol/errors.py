"""Errors as OpenAI's clients know them: a class is a status and a type, `as_dict` is the envelope.

ApiError                      500  the root; never raised itself
├── BadRequest                400
├── Unauthorized              401
├── Forbidden                 403
├── NotFound                  404
│   └── ModelNotFound         404  code model_not_found
├── MethodNotAllowed          405
├── RequestTimeout            408
├── PayloadTooLarge           413
├── TooManyRequests           429  Retry-After
├── InternalServerError       500
└── ServiceUnavailable        503  Retry-After
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, ClassVar

import orjson


class ApiError(Exception):
    """An answer that is an error; `message` is for a person, `param` names a field of the request body."""

    status: ClassVar[HTTPStatus] = HTTPStatus.INTERNAL_SERVER_ERROR
    type: ClassVar[str] = "server_error"
    code: str | None = None

    def __init__(
        self,
        message: str,
        *,
        param: str | None = None,
        code: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.param = param
        self.code = code or self.code
        self.headers = dict(headers or {})

    def as_dict(self) -> dict[str, Any]:
        """OpenAI's envelope."""
        return {"error": {"message": self.message, "type": self.type, "param": self.param, "code": self.code}}

    def as_bytes(self) -> bytes:
        """The envelope as a JSON body."""
        return orjson.dumps(self.as_dict())


class BadRequest(ApiError):
    """The request cannot be honoured as it is."""

    status = HTTPStatus.BAD_REQUEST
    type = "invalid_request_error"


class Unauthorized(ApiError):
    """No key, or not a valid one."""

    status = HTTPStatus.UNAUTHORIZED
    type = "authentication_error"
    code = "invalid_api_key"

    def __init__(self, message: str) -> None:
        super().__init__(message, headers={"WWW-Authenticate": "Bearer"})


class Forbidden(ApiError):
    """A valid key that may not do this."""

    status = HTTPStatus.FORBIDDEN
    type = "permission_error"
    code = "permission_denied"


class NotFound(ApiError):
    """No such thing at this address."""

    status = HTTPStatus.NOT_FOUND
    type = "invalid_request_error"
    code = "not_found"


class ModelNotFound(NotFound):
    """The model that the request names is not served here."""

    code = "model_not_found"

    def __init__(self, model: str) -> None:
        # What the client sent goes back into a message only as far as a model's name can be long.
        super().__init__(
            f"The model '{model[:200]}' does not exist. GET /v1/models lists those that do.", param="model"
        )


class MethodNotAllowed(ApiError):
    """The address exists, the method does not."""

    status = HTTPStatus.METHOD_NOT_ALLOWED
    type = "invalid_request_error"
    code = "method_not_allowed"


class RequestTimeout(ApiError):
    """The client took too long to send its request."""

    status = HTTPStatus.REQUEST_TIMEOUT
    type = "invalid_request_error"
    code = "request_timeout"


class PayloadTooLarge(ApiError):
    """The body is over the limit."""

    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    type = "invalid_request_error"
    code = "request_too_large"

    def __init__(self, limit_bytes: int) -> None:
        super().__init__(f"The request body is larger than {limit_bytes} bytes, the limit of this server.")


class _Later(ApiError):
    """An error that may be gone after `retry_after_s` seconds."""

    def __init__(self, message: str, *, retry_after_s: float = 1.0, code: str | None = None) -> None:
        # The header takes whole seconds; zero would invite a busy loop.
        super().__init__(message, code=code, headers={"Retry-After": str(max(1, math.ceil(retry_after_s)))})


class TooManyRequests(_Later):
    """A limit is reached, of the key or of the server."""

    status = HTTPStatus.TOO_MANY_REQUESTS
    type = "rate_limit_error"
    code = "rate_limit_exceeded"


class InternalServerError(ApiError):
    """A bug of ours; the details are in the server's log, not in the answer."""

    code = "internal_error"

    def __init__(self, message: str = "The server had an error while it handled the request.") -> None:
        super().__init__(message)


class ServiceUnavailable(_Later):
    """The model exists and cannot answer now."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    type = "server_error"
    code = "service_unavailable"
