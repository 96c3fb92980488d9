"""Other people's clients, in an environment of their own, against a platform that runs as a user would run it."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from chat_templates import QWEN
from yard import Yard, clean_environment

HERE = Path(__file__).parent
SCRIPTS = HERE / "scripts"
INSTALLED = HERE.parents[1] / "var" / "clients"
PYTHON = INSTALLED / "python" / "bin" / "python"
CHAT, WITH_TOOLS, ANSWER_S = "smollm2-135m-instruct", "smollm2-tools", 240

Run = Callable[..., str]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark all of them, and skip them where their programs are not."""
    here = [item for item in items if HERE in item.path.parents]
    for item in here:
        item.add_marker(pytest.mark.processes)
        item.add_marker(pytest.mark.timeout(ANSWER_S + 60))
        if not (INSTALLED / "installed").is_file():
            item.add_marker(
                pytest.mark.skip(reason="the clients are not installed: `make clients` does it, and runs this")
            )


@pytest.fixture(scope="session")
def served(yard: Yard) -> Yard:
    """The demo models, and the chat model once more under a template with tools: its own has none."""
    [path] = [model["path"] for model in yard.json("models") if model["name"] == CHAT]
    template = f"chat_template={json.dumps(QWEN)}"
    yard.run("deploy", WITH_TOOLS, "--path", path, "--option", template, "--wait", timeout=180)
    return yard


@pytest.fixture(scope="session")
def surroundings(served: Yard, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of a user who knows an address and a key; no client may ask the internet for anything."""
    known = served.credentials
    return clean_environment() | {
        "OPENAI_BASE_URL": known["base_url"],
        "OPENAI_API_KEY": known["api_key"],
        "HOME": str(tmp_path_factory.mktemp("home")),
        "HF_HUB_OFFLINE": "1",
        "HF_DATASETS_OFFLINE": "1",
        "TOKENIZERS_PARALLELISM": "false",
    }


@pytest.fixture(scope="session")
def run(surroundings: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Run a program of the environment, which has to end well; returns what it printed."""

    def running(*command: str | os.PathLike[str], within: float = ANSWER_S, **variables: str) -> str:
        folder = tmp_path_factory.mktemp("client")
        done = subprocess.run(
            command,
            env=surroundings | variables,
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=within,
            check=False,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout[-8000:]}\n{done.stderr[-8000:]}"
        return done.stdout

    return running


@pytest.fixture(scope="session")
def said(run: Run) -> Callable[[str], dict[str, Any]]:
    """What a script of the folder `scripts` prints at its end: a JSON object. Each runs once."""
    known: dict[str, dict[str, Any]] = {}

    def saying(script: str) -> dict[str, Any]:
        if script not in known:
            known[script] = json.loads(run(PYTHON, SCRIPTS / script).splitlines()[-1])
        return known[script]

    return saying
