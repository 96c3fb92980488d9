"""The openai package for Node."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).parent / "scripts" / "openai_node.mjs"
PACKAGES = Path(__file__).parents[2] / "var" / "clients" / "node"


@pytest.fixture(scope="module")
def node(run: Callable[..., str]) -> dict[str, Any]:
    script = shutil.copy(SCRIPT, PACKAGES)
    found: dict[str, Any] = json.loads(run("node", script).splitlines()[-1])
    return found


def test_a_chat_is_the_same_text_whole_and_streamed(node: dict[str, Any]) -> None:
    assert "Paris" in node["chat"]
    assert node["chat"] == node["streamed"] == node["final"]
    assert node["usage"][0] == node["usage"][1] > 0


def test_a_tool_is_called(node: dict[str, Any]) -> None:
    assert node["called"]["name"] == "get_weather"
    assert json.loads(node["called"]["arguments"])["city"] in {"Paris", "Rome"}


def test_embeddings_are_the_same_as_numbers_and_packed(node: dict[str, Any]) -> None:
    assert node["sizes"] == [384, 384]
    assert node["same"]


def test_models_are_listed(node: dict[str, Any]) -> None:
    assert "smollm2-135m-instruct" in node["models"]


@pytest.mark.parametrize(
    ("what", "expected"),
    [
        ("unknown model", {"kind": "NotFoundError", "status": 404, "code": "model_not_found", "param": "model"}),
        ("too hot", {"kind": "BadRequestError", "status": 400, "param": "temperature"}),
        ("wrong key", {"kind": "AuthenticationError", "status": 401, "code": "invalid_api_key"}),
    ],
)
def test_what_goes_wrong_is_an_error_of_its_own_type(
    node: dict[str, Any], what: str, expected: dict[str, object]
) -> None:
    assert node["errors"][what].items() >= expected.items()
