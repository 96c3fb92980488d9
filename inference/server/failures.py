"""Which error of ours is which answer."""

from __future__ import annotations

from aiohttp import web

from inference.errors import EngineClosed, EngineOverloaded, InferenceError, InvalidRequest
from inference.protocol.errors import (
    ApiError,
    BadRequest,
    InternalServerError,
    MethodNotAllowed,
    NotFound,
    PayloadTooLarge,
    ServiceUnavailable,
    TooManyRequests,
)


def from_engine(error: InferenceError) -> ApiError:
    """What an engine raised, as a client should see it."""
    if isinstance(error, InvalidRequest):
        return BadRequest(error.message, param=error.param, code=error.code)
    if isinstance(error, EngineOverloaded):
        return TooManyRequests(str(error), code="engine_overloaded")
    if isinstance(error, EngineClosed):
        return ServiceUnavailable(str(error), code="engine_closed")
    return InternalServerError(str(error))


def from_router(error: web.HTTPException, request: web.Request) -> ApiError:
    """What aiohttp raised before a handler of ours could answer."""
    if isinstance(error, web.HTTPMethodNotAllowed):
        allowed = ", ".join(sorted(error.allowed_methods))
        message = f"{request.method} is not allowed for {request.path}. Use {allowed}."
        return MethodNotAllowed(message, headers={"Allow": allowed})
    if isinstance(error, web.HTTPRequestEntityTooLarge):
        return PayloadTooLarge(request.client_max_size)
    if isinstance(error, web.HTTPNotFound):
        return NotFound(f"There is nothing at {request.path[:200]}.")
    return BadRequest(error.reason or "The request cannot be read.")


def respond(error: ApiError) -> web.Response:
    """The error as a whole answer."""
    return web.Response(
        body=error.as_bytes(), status=error.status, headers=error.headers, content_type="application/json"
    )
