"""Requests in vLLM's words of today: what clients may ask for by names that it has dropped. Pure."""

from __future__ import annotations

from typing import Any

import orjson

from inference.errors import InvalidRequest

# Nothing is parsed for a request that has none of these; where a text of the client's has one, parsing changes nothing.
_CLUES = (b'"guided_', b'"structured_outputs"', b'"regex"', b'"best_of"')
_FORMS = ("json", "regex", "choice")


def adapted(body: bytes) -> bytes:
    """The body as vLLM 0.32 reads it. Raises `InvalidRequest` for what it would leave out without a word."""
    if not any(clue in body for clue in _CLUES):
        return body
    asked = orjson.loads(body)
    _refuse_best_of(asked)
    return orjson.dumps(_with_form(asked))


def _refuse_best_of(asked: dict[str, Any]) -> None:
    best_of, n = asked.pop("best_of", None), asked.get("n") or 1
    if best_of is not None and best_of != n:
        message = "'best_of' is not supported by the engine of this model, except for as many as 'n'; use 'n'."
        raise InvalidRequest(message, "best_of", code="unsupported_parameter")


def _with_form(asked: dict[str, Any]) -> dict[str, Any]:
    """vLLM knows one form of an answer that is no JSON, and one that asks for nothing is an error there."""
    given = asked.pop("structured_outputs", None)
    if given is not None and not isinstance(given, dict):
        return {**asked, "structured_outputs": given}
    older = {name: asked.pop(f"guided_{name}", None) for name in _FORMS}
    named = [*(given or {}).items(), *older.items()]
    form = {name: value for name, value in named if value is not None and value is not False}
    format_asked = asked.get("response_format")
    if isinstance(format_asked, dict) and format_asked.get("type") == "regex":
        form["regex"] = asked.pop("response_format").get("regex")
    return {**asked, "structured_outputs": form} if form else asked
