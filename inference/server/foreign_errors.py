"""Errors of another server in the envelope that our clients know: its words, OpenAI's type, and a code in words."""

from __future__ import annotations

import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import orjson

_SPEECHLESS = "The model's server %s and did not say why."
# vLLM says these in numbers or in names of its own behind the sentence.
_BEHIND = re.compile(r"\s*\(parameter=[^()]*(?:\([^()]*\)[^()]*)*\)\s*$")
# Of all that pydantic says the first thing.
_INVALID = re.compile(
    r"""\d+ validation errors?:.*?'loc': '(?:body\.)?(?P<at>[^']*)', """
    r"""'msg': (?P<quote>['"])(?P<what>.*?)(?P=quote)[,}]""",
    re.DOTALL,
)
_TOO_LONG = re.compile(r"maximum context length|max_model_len|maximum model length")
# An event of a stream that is one.
EVENT = re.compile(rb'data: (\{\s*"error".*\})')
_NOT_A_FIELD = frozenset({"input_tokens"})
_KINDS: Mapping[int, tuple[str, str | None]] = {
    HTTPStatus.UNAUTHORIZED: ("authentication_error", None),
    HTTPStatus.FORBIDDEN: ("permission_error", None),
    HTTPStatus.NOT_FOUND: ("invalid_request_error", "not_found"),
    HTTPStatus.TOO_MANY_REQUESTS: ("rate_limit_error", "engine_overloaded"),
}


def in_our_envelope(body: bytes, status: int | None = None) -> bytes:
    """The error of an answer with this status; None: its own code is the status, as in the middle of a stream."""
    told = _told(body)
    status = _status(told) if status is None else status
    failed = "failed" if status >= HTTPStatus.INTERNAL_SERVER_ERROR else "refused the request"
    message = _BEHIND.sub("", _text(told.get("message"))) or _SPEECHLESS % failed
    kind, code = _kind(status, message)
    param = _text(told.get("param")).removeprefix("body.")
    if invalid := _INVALID.match(message):
        param = invalid["at"]
        message = f"'{param}': {invalid['what']}."
    said = told.get("code")
    error = {
        "message": message,
        "type": kind,
        "param": param if param and param not in _NOT_A_FIELD else None,
        "code": said if isinstance(said, str) and not said.isdecimal() else code,
    }
    return orjson.dumps({"error": error})


def first_error(event: bytes) -> tuple[bytes, int] | None:
    """The error that a stream begins with, and its status; None: it begins with something else."""
    match = EVENT.match(event)
    return None if match is None else (match[1], _status(_told(match[1])))


def _status(told: Mapping[str, Any]) -> int:
    code = told.get("code")
    if isinstance(code, int) and HTTPStatus.BAD_REQUEST <= code < 600:
        return code
    return HTTPStatus.INTERNAL_SERVER_ERROR


def _told(body: bytes) -> Mapping[str, Any]:
    """The object that says what is wrong: OpenAI's way, or FastAPI's."""
    try:
        answer = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    if not isinstance(answer, dict):
        return {}
    error = answer.get("error", answer)
    if isinstance(error, dict):
        return error if "detail" not in error else {**error, "message": _text(error["detail"])}
    return {"message": _text(error)}


def _text(value: object) -> str:
    return value if isinstance(value, str) else "" if value is None else orjson.dumps(value).decode()


def _kind(status: int, message: str) -> tuple[str, str | None]:
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return "server_error", None
    if _TOO_LONG.search(message):
        return "invalid_request_error", "context_length_exceeded"
    return _KINDS.get(status, ("invalid_request_error", "invalid_value"))
