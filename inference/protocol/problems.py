"""Turns what pydantic found wrong into one sentence and the `param` that it is about."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

from inference.protocol.errors import BadRequest


def problem(sentence: str, *, at: str = "") -> PydanticCustomError:
    """For validators to raise: `sentence` follows the field's name; `at` leads further into it, as in `[1].text`."""
    # The sentence travels as context, since pydantic would read braces in a template as its own.
    return PydanticCustomError("problem", "see context", {"sentence": sentence, "at": at})


def bad_request(error: ValidationError) -> BadRequest:
    """The first thing that is wrong, as a 400."""
    first = error.errors(include_url=False)[0]
    param = _path(first["loc"]) + first.get("ctx", {}).get("at", "")
    return BadRequest(f"'{param}' {_sentence(first)}.", param=param, code=_code(first))


def refused(error: PydanticCustomError, param: str) -> BadRequest:
    """The 400 for a `problem` that was found without pydantic, in the field `param`."""
    context: dict[str, Any] = error.context or {}
    param += context["at"]
    return BadRequest(f"'{param}' {context['sentence']}.", param=param, code="invalid_value")


def json_type(value: object) -> str:
    """What JSON calls the type of a parsed value, with its article."""
    names = {bool: "a boolean", int: "an integer", float: "a number", str: "a string", list: "an array"}
    return names.get(type(value), "null" if value is None else "an object")


def _path(loc: tuple[int | str, ...]) -> str:
    steps = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in loc)
    return steps.removeprefix(".")


def _code(details: ErrorDetails) -> str:
    if details["type"] == "missing":
        return "missing_required_parameter"
    return "invalid_type" if details["type"].endswith("_type") else "invalid_value"


def _sentence(details: ErrorDetails) -> str:
    rule = _SENTENCES.get(details["type"])
    if rule is not None:
        return rule(details.get("ctx", {}), details["input"])
    return f"is not valid: {details['msg']}"


def _must_be(what: str) -> Callable[[dict[str, Any], Any], str]:
    return lambda _, value: f"must be {what}, not {json_type(value)}"


def _bound(words: str, key: str) -> Callable[[dict[str, Any], Any], str]:
    return lambda ctx, value: f"must be {words} {_number(ctx[key])}, not {value}"


def _number(bound: float) -> str:
    return str(int(bound)) if bound == int(bound) else str(bound)


_SENTENCES: dict[str, Callable[[dict[str, Any], Any], str]] = {
    "problem": lambda ctx, _: ctx["sentence"],
    "missing": lambda _, __: "is required",
    "string_type": _must_be("a string"),
    "int_type": _must_be("an integer"),
    "int_from_float": _must_be("an integer"),
    "float_type": _must_be("a number"),
    "bool_type": _must_be("a boolean"),
    "list_type": _must_be("an array"),
    "dict_type": _must_be("an object"),
    "model_type": _must_be("an object"),
    "finite_number": lambda _, __: "must be a finite number",
    "literal_error": lambda ctx, _: f"must be one of {ctx['expected']}",
    "greater_than": _bound("greater than", "gt"),
    "greater_than_equal": _bound("at least", "ge"),
    "less_than_equal": _bound("at most", "le"),
    "string_too_short": lambda _, __: "must not be empty",
    "too_short": lambda _, __: "must not be empty",
    "too_long": lambda ctx, _: f"must have at most {ctx['max_length']} items, not {ctx['actual_length']}",
}
