"""An answer that says who gave it spoils a blind vote."""

from __future__ import annotations

import pytest

from pages.arena.leaks import leaked

NAMES = ["smollm2-135m-instruct", "lab/Qwen2-7B"]


@pytest.mark.parametrize(
    "answer",
    [
        "I am smollm2-135m-instruct.",
        "As Qwen2-7B, I think so.",
        "I'm Claude, made by Anthropic.",
        "My name is ChatGLM.",
        "I was trained by OpenAI.",
        "我是通义千问 Qwen，由阿里巴巴开发。",
    ],
)
def test_it_is_noticed(answer: str) -> None:
    assert leaked(["hello", answer], NAMES)


@pytest.mark.parametrize(
    "answer",
    [
        "",
        "I am happy to help.",
        "Claude Monet was a painter.",
        "A llama is an animal.",
        "The bridge was built by Romans.",
    ],
)
def test_other_words_are_none(answer: str) -> None:
    assert not leaked([answer], NAMES)
