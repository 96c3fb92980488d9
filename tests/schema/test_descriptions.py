"""Whatever the descriptions of both APIs allow or forbid: no server errors, and every answer is as described."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

import httpx2 as httpx
import pytest
from yard import Yard, clean_environment

HERE = Path(__file__).parent
INSTALLED = HERE.parents[1] / "var" / "schema"
PYTHON = INSTALLED / "python" / "bin" / "python"
WITHIN_S = 1500
pytestmark = [
    pytest.mark.processes,
    pytest.mark.timeout(WITHIN_S + 120),
    pytest.mark.skipif(
        not (INSTALLED / "installed").is_file(),
        reason="schemathesis is not installed: `make schema` does it, and runs this",
    ),
]
ALWAYS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
)
# Lists of the management API take a wrong `limit` or flag for an absent one, as their framework does.
STRICT = (*ALWAYS, "negative_data_rejection", "ignored_auth", "missing_required_header", "unsupported_method")


@pytest.fixture(scope="module")
def secret(yard: Yard) -> str:
    """A key for everything, of the administrator, beside a model that takes tools."""
    yard.run("deploy", "echo", "--engine", "echo", "--option", 'tool_format="hermes"', "--wait")
    owner = ("--user", yard.credentials["admin_user"])
    scopes = [word for scope in ("inference", "read", "manage") for word in ("--scope", scope)]
    made = yard.run("keys", "create", "schemathesis", *owner, *scopes).stdout
    return re.findall(r"my-\S{20,}", made)[-1]


@pytest.mark.parametrize(
    ("path", "checks", "options", "least"),
    [
        ("/v1/openapi.json", STRICT, ("--phases", "examples,coverage,fuzzing", "--max-examples", "50"), 2000),
        ("/api/v1/openapi.json", ALWAYS, ("--phases", "coverage,fuzzing", "--max-examples", "5"), 1500),
    ],
)
def test_answers_are_as_described(
    yard: Yard, secret: str, tmp_path: Path, path: str, checks: tuple[str, ...], options: tuple[str, ...], least: int
) -> None:
    answer = httpx.get(yard.url + path, headers={"Authorization": f"Bearer {secret}"})
    (tmp_path / "openapi.json").write_text(json.dumps(answer.raise_for_status().json()))
    _run(tmp_path, PYTHON, "-m", "openapi_spec_validator", "openapi.json")
    (tmp_path / "schemathesis.toml").write_text(f'headers = {{ Authorization = "Bearer {secret}" }}\n')
    asked = ("--url", yard.url, "--checks", ",".join(checks), *options)
    told = _run(tmp_path, PYTHON.with_name("st"), "run", "openapi.json", *asked, "--seed", "1", "--continue-on-failure")
    print(told[-1500:])
    [made, passed] = map(int, re.findall(r"(\d+) generated, (\d+) passed", told)[0])
    assert made == passed >= least


def _run(folder: Path, *command: str | os.PathLike[str]) -> str:
    environment = clean_environment() | {"SCHEMATHESIS_HOOKS": str(HERE / "hooks.py"), "COLUMNS": "120"}
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=WITHIN_S, check=False
    )
    assert done.returncode == 0, f"{done.stdout[-12_000:]}\n{done.stderr[-4000:]}"
    return done.stdout
