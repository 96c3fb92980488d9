"""Every refusal is an error of its own type in the openai packages, and they wait for limits by themselves."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from yard import Yard

HERE = Path(__file__).parent
INSTALLED = HERE.parents[1] / "var" / "clients"
PER_MINUTE = 15  # a request is back after four seconds
EXPECTED: dict[str, dict[str, object]] = {
    "too many": {"kind": "RateLimitError", "status": 429, "type": "requests", "code": "rate_limit_exceeded"},
    "no scope": {"kind": "PermissionDeniedError", "status": 403, "code": "permission_denied"},
    "revoked": {"kind": "AuthenticationError", "status": 401, "code": "invalid_api_key"},
    "other model": {"kind": "NotFoundError", "status": 404, "code": "model_not_found"},
    "away": {"kind": "InternalServerError", "status": 503, "code": "model_not_ready"},
}
ONLY_PYTHON: dict[str, dict[str, object]] = {
    "wrong type": {"kind": "BadRequestError", "status": 400},
    "too long": {"kind": "BadRequestError", "status": 400, "code": "context_length_exceeded"},
}


@pytest.fixture(scope="module")
def keys(served: Yard) -> dict[str, str]:
    """A secret for each way to be refused, and models that answer at once and not at all."""
    for name in ("echo", "away"):
        served.run("deploy", name, "--engine", "echo", "--wait")
    served.run("stop", "away")

    def made(name: str, *options: str) -> str:
        return served.run("keys", "create", name, "--user", "admin", *options).stdout.split()[-1]

    secrets = {
        **{name: made(name) for name in ("LIMITED", "LIMITED_NODE", "REVOKED")},
        "READING": made("READING", "--scope", "read"),
        "NARROW": made("NARROW", "--model", "lab/*"),
    }
    for name in ("LIMITED", "LIMITED_NODE"):
        served.run("limits", "set", "--key", name, "--requests-per-minute", str(PER_MINUTE))
    served.run("keys", "revoke", "REVOKED")
    return secrets


@pytest.fixture(scope="module")
def python(run: Callable[..., str], keys: dict[str, str]) -> dict[str, Any]:
    script = HERE / "scripts" / "openai_errors.py"
    found: dict[str, Any] = json.loads(run(INSTALLED / "python" / "bin" / "python", script, **keys).splitlines()[-1])
    return found


@pytest.fixture(scope="module")
def node(run: Callable[..., str], keys: dict[str, str]) -> dict[str, Any]:
    script = shutil.copy(HERE / "scripts" / "openai_errors.mjs", INSTALLED / "node")
    variables = keys | {"LIMITED": keys["LIMITED_NODE"]}
    found: dict[str, Any] = json.loads(run("node", script, **variables).splitlines()[-1])
    return found


@pytest.mark.parametrize("what", [*EXPECTED, *ONLY_PYTHON])
def test_python_gets_an_error_of_its_own_type(python: dict[str, Any], what: str) -> None:
    assert python[what].items() >= (EXPECTED | ONLY_PYTHON)[what].items()
    assert len(python[what]["message"]) > 20


@pytest.mark.parametrize("what", EXPECTED)
def test_node_gets_an_error_of_its_own_type(node: dict[str, Any], what: str) -> None:
    assert node[what].items() >= EXPECTED[what].items()


def test_a_refusal_by_a_limit_says_when_to_come_again(python: dict[str, Any]) -> None:
    assert int(python["too many"]["retry after"]) in range(1, 5)
    assert python["streams"] == "RateLimitError"


def test_a_client_that_may_retry_waits_as_long_as_it_is_told_and_succeeds(
    python: dict[str, Any], node: dict[str, Any]
) -> None:
    assert python["waits"]["retries"] >= 1
    assert python["waits"]["seconds"] >= 0.9
    assert node["waits"]["seconds"] >= 0.9
