"""Every error as OpenAI's envelope: {"error": {"message", "type", "param", "code"}}, the same as under /v1."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import DataError, IntegrityError, OperationalError
from django.http import Http404
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import set_rollback

from inference.protocol.errors import ApiError
from registry.errors import InvalidDesire, NameTaken, NotFound

TYPES = {401: "authentication_error", 403: "permission_error"}
CODES = {
    400: "invalid_request",
    401: "not_authenticated",
    403: "permission_denied",
    404: "not_found",
    405: "method_not_allowed",
    409: "conflict",
    412: "precondition_failed",
    413: "request_too_large",
    415: "unsupported_media_type",
    428: "precondition_required",
    503: "service_unavailable",
}


class Conflict(exceptions.APIException):
    """It is there already, or something holds it."""

    status_code = 409


class Changed(exceptions.APIException):
    """Somebody else was first."""

    status_code = 412
    default_detail = "It was changed since you read it: read it again, and send its new ETag in If-Match."


class NoPrecondition(exceptions.APIException):
    """An edit has to say of what."""

    status_code = 428
    default_detail = "Send the ETag of what you read in If-Match, so that you overwrite nobody's change."


class Away(exceptions.APIException):
    """Postgres is not there."""

    status_code = 503
    default_detail = "The database does not answer now. Models serve on; please try again soon."


def answer(error: Exception, context: Mapping[str, Any]) -> Response | None:
    """The framework's exception handler. None: a bug of ours, which is logged and answered with 500."""
    set_rollback()
    if isinstance(error, ApiError):
        return Response(error.as_dict(), status=error.status, headers=error.headers)
    known = _known(error)
    if known is None:
        return None
    param, message = _first(known.detail)
    status = known.status_code
    headers = {"WWW-Authenticate": known.auth_header} if hasattr(known, "auth_header") else {}
    kind = TYPES.get(status, "invalid_request_error" if status < 500 else "server_error")
    body = {"message": _sentence(message), "type": kind, "param": param or None, "code": CODES.get(status)}
    return Response({"error": body}, status=status, headers=headers)


# What else may come, and how it is told; the first that fits.
TOLD: tuple[tuple[type[Exception], Callable[[Any], exceptions.APIException]], ...] = (
    (exceptions.APIException, lambda error: error),
    (Http404, lambda _: exceptions.NotFound("There is nothing of this name, or you may not see it.")),
    (PermissionDenied, lambda error: exceptions.PermissionDenied(str(error) or None)),
    (NotFound, lambda error: exceptions.NotFound(str(error))),
    (NameTaken, lambda error: Conflict(str(error))),
    (InvalidDesire, lambda error: exceptions.ValidationError(str(error))),
    (DataError, lambda _: exceptions.ValidationError("The database cannot hold a value of this request.")),
    (IntegrityError, lambda error: Conflict(_diagnosis(error))),
    (OperationalError, lambda _: Away()),
)


def _known(error: Exception) -> exceptions.APIException | None:
    return next((tell(error) for kind, tell in TOLD if isinstance(error, kind)), None)


def _diagnosis(error: IntegrityError) -> str:
    diagnosis = getattr(error.__cause__, "diag", None)
    message = getattr(diagnosis, "message_primary", None) or "the rows changed meanwhile"
    return f"The database refused ({message}): look at the present state and try again."


def _first(detail: Any, path: str = "") -> tuple[str, str]:
    """The first of the framework's nested complaints: which field, and what about it."""
    if isinstance(detail, Mapping):
        name, inner = next(iter(detail.items()))
        here = path if name == "non_field_errors" else f"{path}.{name}" if path else str(name)
        return _first(inner, here)
    if isinstance(detail, list):
        # A list of complaints about the items of a list has {} for those that are well.
        at = next((index for index, each in enumerate(detail) if each), 0)
        nested = isinstance(detail[at], Mapping | list)
        return _first(detail[at], f"{path}.{at}" if nested and path else path)
    return path, str(detail)


def _sentence(message: str) -> str:
    return message if message.endswith((".", "…")) else f"{message}."
