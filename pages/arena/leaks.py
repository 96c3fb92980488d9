"""Whether an answer said who gave it: such a vote is not blind any more."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

# Families as answers introduce themselves.
FAMILIES = (
    *(
        "baichuan",
        "bard",
        "chatglm",
        "chatgpt",
        "claude",
        "command-r",
        "deepseek",
        "doubao",
        "ernie",
        "falcon",
        "gemini",
    ),
    *(
        "gemma",
        "gpt-3",
        "gpt-4",
        "gpt-4o",
        "gpt-5",
        "granite",
        "grok",
        "hunyuan",
        "internlm",
        "kimi",
        "llama",
        "mistral",
    ),
    *("mixtral", "nemotron", "olmo", "palm", "phi-3", "phi-4", "qianwen", "qwen", "smollm", "tongyi", "tülu", "vicuna"),
    *("yi-34b", "文心一言", "通义千问", "通義千問", "豆包"),
)
# Their makers, whom people ask about more often than models name them: see `_MADE`.
MAKERS = (
    *("alibaba", "allen institute", "anthropic", "baidu", "bytedance", "cohere", "deepmind", "google", "hugging face"),
    *("huggingface", "ibm", "lmsys", "meta", "microsoft", "minimax", "moonshot", "nvidia", "openai", "tencent", "xai"),
    *("zhipu", "字节跳动", "智谱", "深度求索", "百度", "腾讯", "阿里", "月之暗面"),
)
_I = re.compile(
    r"\b(i am|i['’]m|my name is|call me"
    r"|(i was|i have been|i['’]ve been) (trained|developed|created|made|built|designed))\b|我是|我叫|我的名字",
    re.IGNORECASE,
)
_MADE = re.compile(r"\b(by|from)\b|(?:由|[来來]自|开发|開發|训练|訓練|研发|研發|推出)", re.IGNORECASE)
_SENTENCES = re.compile(r"(?<=[.!?])\s+|(?<=[。！？])|\n+")
_SHORTEST = 4  # letters of a name: shorter ones are words
_ORDINARY = frozenset({"assistant", "chat", "code", "instruct", "language", "large", "model", "small", "test", "text"})


@dataclass(frozen=True, slots=True)
class Said:
    """An answer, and all questions up to it."""

    asked: str
    answer: str


def leaked(said: Iterable[Said], name: str, fighters: Sequence[str] = ()) -> bool:
    """Whether one of the answers of this model told who it is, or claims to be somebody.

    It did when it introduces itself, by its own name, by that of one of the fighters or as one of the known families;
    and when it has its own name anywhere, unless a question had it before: then it may merely repeat what was asked.
    """
    known = [word for each in {name, *fighters} for word in (*_parts(each), *_stem(each))]
    return any(_introduces(each.answer, known) or _names(each, name) for each in said)


def _names(said: Said, name: str) -> bool:
    parts = [part for part in _parts(name) if not _has(said.asked, [part])]
    return _has(said.answer, parts)


def _introduces(answer: str, known: Sequence[str]) -> bool:
    """Also when the question had the words: else one would ask it to say them if they are true."""
    return any(_tells(sentence, known) for sentence in _SENTENCES.split(answer) if _I.search(sentence))


def _tells(sentence: str, known: Sequence[str]) -> bool:
    return _has(sentence, [*known, *FAMILIES]) or (_MADE.search(sentence) is not None and _has(sentence, MAKERS))


def _has(text: str, words: Iterable[str]) -> bool:
    """Whether one of the words stands in the text, not as a part of a longer one; `qwen` does in `Qwen2.5`."""
    low = text.lower()
    return any(re.search(rf"(?<![a-z0-9]){re.escape(word)}(?![a-z])", low) for word in words if word in low)


def _parts(name: str) -> list[str]:
    """The name, and the last part of a name with a slash."""
    low = name.lower()
    return [part for part in {low, low.rsplit("/", 1)[-1]} if len(part) >= _SHORTEST]


def _stem(name: str) -> list[str]:
    """The word that a name begins with: models of a house know that, and not which version they are."""
    word = re.match(r"[a-z]*", name.lower().rsplit("/", 1)[-1])
    return [word[0]] if word and len(word[0]) >= _SHORTEST and word[0] not in _ORDINARY else []
