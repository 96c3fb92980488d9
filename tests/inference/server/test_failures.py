"""Which error of the engine is which answer."""

from __future__ import annotations

import pytest

from inference import errors
from inference.server.failures import from_engine


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (errors.InvalidRequest("x", "messages", code="too_long"), 400, "too_long"),
        (errors.EngineOverloaded("x"), 429, "engine_overloaded"),
        (errors.EngineClosed("x"), 503, "engine_closed"),
        (errors.EngineCrashed("x"), 503, "engine_closed"),
        (errors.InferenceError("x"), 500, "internal_error"),
    ],
)
def test_an_error_of_the_engine_has_a_status_and_keeps_its_sentence(
    error: errors.InferenceError, status: int, code: str
) -> None:
    answer = from_engine(error)
    assert (answer.status, answer.code, answer.message) == (status, code, "x")


def test_the_field_to_blame_is_kept() -> None:
    assert from_engine(errors.InvalidRequest("x", "messages")).param == "messages"


def test_who_may_try_again_is_told_when() -> None:
    assert "Retry-After" in from_engine(errors.EngineOverloaded("x")).headers
    assert "Retry-After" in from_engine(errors.EngineClosed("x")).headers
