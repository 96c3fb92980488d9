"""Whether an answer said who gave it: such a vote is not blind any more."""

from __future__ import annotations

import re
from collections.abc import Iterable

# Families and their makers, as answers introduce themselves.
FAMILIES = (
    *("alibaba", "anthropic", "baichuan", "bard", "chatglm", "chatgpt", "claude", "cohere", "command-r", "deepseek"),
    *(
        "falcon",
        "gemini",
        "gemma",
        "google",
        "gpt-3",
        "gpt-4",
        "gpt-5",
        "granite",
        "grok",
        "hugging face",
        "huggingface",
    ),
    *("internlm", "kimi", "llama", "meta ai", "microsoft", "minimax", "mistral", "mixtral", "moonshot", "nemotron"),
    *("openai", "palm", "phi-3", "phi-4", "qwen", "smollm", "tongyi", "vicuna", "xai", "yi-34b", "zhipu"),
)
_INTRODUCES = re.compile(
    r"\b(i am|i'm|my name is|as an? (ai|language) model (by|from|trained|developed|created)|"
    r"(trained|developed|created|made|built) by)\b|我是|我叫|由.{0,20}(开发|训练|研发|創建|创建)",
    re.IGNORECASE,
)
_NEAR = 120  # characters after such words
_SHORTEST = 4  # of a part of a name: shorter ones are words


def leaked(answers: Iterable[str], names: Iterable[str]) -> bool:
    """Whether one of the answers has one of the names, or introduces itself as one of the known families."""
    own = [part for name in names for part in _parts(name)]
    for answer in answers:
        low = answer.lower()
        if any(part in low for part in own):
            return True
        for match in _INTRODUCES.finditer(answer):
            around = low[match.start() : match.end() + _NEAR]
            if any(family in around for family in FAMILIES):
                return True
    return False


def _parts(name: str) -> list[str]:
    """The name, and the last part of a name with a slash."""
    low = name.lower()
    return [part for part in {low, low.rsplit("/", 1)[-1]} if len(part) >= _SHORTEST]
