"""AutoGen's OpenAIChatCompletionClient, alone and under an agent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest


@pytest.fixture
def found(said: Callable[[str], dict[str, Any]]) -> dict[str, Any]:
    return said("autogen_client.py")


def test_an_answer_is_the_same_whole_and_streamed(found: dict[str, Any]) -> None:
    assert "Paris" in found["whole"]["text"]
    assert found["whole"]["finish"] == "stop"
    assert found["whole"]["usage"] > 0
    assert found["streamed"]["text"] == found["whole"]["text"]
    assert found["streamed"]["pieces"] > 3


def test_a_tool_is_called(found: dict[str, Any]) -> None:
    assert set(found["called"]["calls"]) == {"get_weather"}
    assert found["called"]["finish"] == "function_calls"


def test_an_answer_has_the_shape_of_a_class(found: dict[str, Any]) -> None:
    assert isinstance(found["shaped"]["capital"], bool)


def test_an_agent_answers(found: dict[str, Any]) -> None:
    assert "Paris" in found["agent"]
