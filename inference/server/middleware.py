"""What every request passes: an id, the token, and the one place where errors become answers."""

from __future__ import annotations

import hmac
import logging
import re
import uuid
from collections.abc import Awaitable, Callable

from aiohttp import web

from inference.errors import InferenceError
from inference.protocol.errors import ApiError, InternalServerError, Unauthorized
from inference.protocol.refusals import IGNORED_FIELDS, listed
from inference.protocol.stream import DONE, error_event
from inference.server import failures
from inference.server.accounting import closing
from inference.server.keys import IGNORED, REQUEST_ID, SERVICE, STREAM

log = logging.getLogger(__name__)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

# Probes of machines need no secret, and the answer holds none.
_OPEN_PATHS = frozenset({"/health"})
_REQUEST_ID = re.compile(r"[\x21-\x7e]{1,128}")


@web.middleware
async def identify(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Take the caller's X-Request-Id, or make one."""
    given = request.headers.get("X-Request-Id", "")
    request[REQUEST_ID] = given if _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex
    return await handler(request)


async def echo_request_id(request: web.Request, response: web.StreamResponse) -> None:
    """Tell the id and what was ignored, also with a stream, whose headers leave before its handler returns."""
    response.headers["X-Request-Id"] = request.get(REQUEST_ID, "")
    if ignored := request.get(IGNORED):
        response.headers[IGNORED_FIELDS] = listed(ignored)


@web.middleware
async def answer_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn whatever is raised into OpenAI's envelope: an answer, or the last event of a stream."""
    try:
        return await handler(request)
    except ApiError as error:
        return await _fail(request, error)
    except InferenceError as error:
        return await _fail(request, failures.from_engine(error))
    except web.HTTPException as error:
        return await _fail(request, failures.from_router(error, request))
    except ConnectionError:
        # The client went away while we wrote; nobody is left to tell.
        raise
    except Exception:  # a bug in one request must reach its client as an error, and end nothing else
        log.exception("Unexpected error in request %s (%s %s)", request[REQUEST_ID], request.method, request.path)
        return await _fail(request, InternalServerError())


@web.middleware
async def authenticate(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Let through who knows the token of this launch."""
    token = request.app[SERVICE].config.token
    if token is not None and request.path not in _OPEN_PATHS:
        _check_token(request.headers.get("Authorization", ""), token)
    return await handler(request)


def _check_token(header: str, token: str) -> None:
    scheme, _, given = header.partition(" ")
    # Bytes, since compare_digest refuses text beyond ASCII; headers may hold any byte.
    matches = hmac.compare_digest(given.strip().encode("utf-8", "surrogateescape"), token.encode())
    if scheme.lower() != "bearer" or not matches:
        raise Unauthorized("The token of this worker is missing or wrong. Send it as 'Authorization: Bearer TOKEN'.")


async def _fail(request: web.Request, error: ApiError) -> web.StreamResponse:
    stream: web.StreamResponse | None = request.get(STREAM)
    if stream is None:
        return failures.respond(error)
    await stream.write(error_event(error) + DONE + closing(request, finish="error"))
    await stream.write_eof()
    return stream
