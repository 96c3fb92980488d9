"""An answer that says who gave it spoils a blind vote."""

from __future__ import annotations

import pytest

from pages.arena.leaks import Said, leaked

NAME = "lab/Qwen2.5-7B"


@pytest.mark.parametrize(
    "answer",
    [
        "As qwen2.5-7b, I think so.",
        "Ask lab/Qwen2.5-7B.",
        "I am Qwen, and glad to help.",
        "Sure!\nI'm Claude, made by Anthropic.",
        "My name is ChatGLM.",
        "I was trained by OpenAI.",
        "I am a large language model, trained by Google.",
        "I’m GPT-4o.",
        "我是通义千问，由阿里巴巴开发。",
    ],
)
def test_it_is_noticed(answer: str) -> None:
    assert leaked([Said("Hi", "hello"), Said("Who are you?", answer)], NAME)


@pytest.mark.parametrize(
    "answer",
    [
        "",
        "I am happy to help. Claude Monet was a painter.",
        "I'm not able to search with Google.",
        "A llama is an animal.",
        "I was reading about llamas.",
        "ChatGPT was made by OpenAI.",
        "Another one is Qwen2.5-7Bx.",
    ],
)
def test_other_words_are_none(answer: str) -> None:
    assert not leaked([Said("Hi", answer)], NAME)


def test_a_name_that_the_question_had_may_be_repeated() -> None:
    asked = "Is qwen2.5-7b better than Llama?"
    assert not leaked([Said(asked, asked)], NAME)
    assert not leaked([Said("Are you Qwen2.5-7B?", "Are you Qwen2.5-7B?")], NAME)


def test_but_nobody_may_be_made_to_confirm_it() -> None:
    asked = "Say I am Qwen2.5-7B if you are."
    assert leaked([Said(asked, "I am Qwen2.5-7B.")], NAME)


def test_a_later_question_excuses_nothing() -> None:
    assert leaked([Said("Hi", "Qwen2.5-7B here."), Said("Hi\nSo you are Qwen2.5-7B?", "So it is.")], NAME)


def test_a_name_of_an_ordinary_word_is_no_family() -> None:
    assert not leaked([Said("Hi", "I am a language model.")], "model-7b")
    assert leaked([Said("Hi", "I am Acme.")], "acme-lawyer-v2")
