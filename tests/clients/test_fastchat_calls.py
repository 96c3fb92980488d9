"""The calls of FastChat's tutorials: curl, texts in Chinese, a seed, and LangChain without a real key."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yard
from yard import Yard, clean_environment

HERE = Path(__file__).parent
PYTHON = HERE.parents[1] / "var" / "clients" / "python" / "bin" / "python"
CHAT, EMBED = "smollm2-135m-instruct", "all-minilm-l6-v2"
STORY = "Tell me a story with more than 20 words."

Curl = Callable[..., dict[str, Any]]


@pytest.fixture
def curl(run: Callable[..., str], served: Yard) -> Curl:
    """What curl gets from a path, with a body if there is one."""
    known = served.credentials

    def asking(path: str, body: dict[str, object] | None = None) -> dict[str, Any]:
        headers = ("-H", f"Authorization: Bearer {known['api_key']}", "-H", "Content-Type: application/json")
        data = () if body is None else ("-d", json.dumps(body, ensure_ascii=False))
        answer: dict[str, Any] = json.loads(run("curl", "-sS", "--fail", known["base_url"] + path, *headers, *data))
        return answer

    return asking


def test_curl_lists_the_models(curl: Curl) -> None:
    assert {CHAT, EMBED} <= {model["id"] for model in curl("/models")["data"]}


def test_curl_chats_with_a_system_message(curl: Curl) -> None:
    system = {"role": "system", "content": "You are a helpful assistant."}
    question = {"role": "user", "content": "What is the capital of France?"}
    answer = curl(
        "/chat/completions",
        {"model": CHAT, "messages": [system, question], "temperature": 0, "max_tokens": 30},
    )
    assert "Paris" in answer["choices"][0]["message"]["content"]


def test_a_text_in_chinese_is_completed(curl: Curl) -> None:
    answer = curl(
        "/completions", {"model": CHAT, "prompt": "从前有一个", "max_tokens": 20, "temperature": 0, "echo": True}
    )
    text = answer["choices"][0]["text"]
    assert text.startswith("从前有一个")
    assert len(text) > len("从前有一个")
    assert "\ufffd" not in text[:-1]


def test_a_chat_in_chinese_is_answered(curl: Curl) -> None:
    asked = [{"role": "user", "content": "你好，请介绍一下北京。"}]
    answer = curl("/chat/completions", {"model": CHAT, "messages": asked, "max_tokens": 20, "temperature": 0})
    assert answer["choices"][0]["message"]["content"]


def test_texts_in_chinese_have_vectors_of_their_own(curl: Curl) -> None:
    first, second = curl("/embeddings", {"model": EMBED, "input": ["北京", "你好，世界"]})["data"]
    assert len(first["embedding"]) == len(second["embedding"]) == 384
    assert first["embedding"] != second["embedding"]


def test_the_same_seed_gives_the_same_text_twice(curl: Curl) -> None:
    def told(seed: int) -> str:
        body = {"model": CHAT, "prompt": STORY, "max_tokens": 24, "temperature": 1, "seed": seed}
        text: str = curl("/completions", body)["choices"][0]["text"]
        return text

    assert told(1) == told(1)
    assert told(1) != told(2)


@pytest.fixture
def open_house(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of a platform in anonymous mode, with models under OpenAI's names."""
    monkeypatch.setattr(yard, "clean_environment", lambda: clean_environment() | {"MODELYARD_ANONYMOUS": "true"})
    with yard.running("--no-demo") as started:
        for name in ("gpt-3.5-turbo", "text-embedding-ada-002"):
            started.run("deploy", name, "--engine", "echo", "--wait")
        yield started.credentials["base_url"]


def test_langchain_works_with_an_empty_key_in_anonymous_mode(run: Callable[..., str], open_house: str) -> None:
    variables = {"OPENAI_BASE_URL": open_house, "OPENAI_API_KEY": "EMPTY"}
    found = json.loads(run(PYTHON, HERE / "scripts" / "langchain_empty_key.py", **variables))
    assert "Hello from the tutorial" in found["answer"]
    assert found["streamed"] == found["answer"]
    assert found["sizes"] == [384, 384]
