"""The language of a question, to filter votes by."""

from __future__ import annotations

from functools import cache
from typing import Any

LONGEST = 2_000  # characters that are looked at
# Most questions are a few words long. Among all languages that can be told apart, these few would be anything: "hello
# there" Sotho, 你好 Cantonese. So only those are looked for that many people write, and what stays unclear is none.
COMMON = (
    *("ar", "bg", "bn", "cs", "da", "de", "el", "en", "es", "fa", "fi", "fr", "he", "hi", "hr", "hu", "id", "it"),
    *("ja", "ko", "ms", "nl", "no", "pl", "pt", "ro", "ru", "sk", "sr", "sv", "ta", "th", "tr", "uk", "vi", "zh"),
)
SURE = 0.35


def language(text: str) -> str:
    """Its ISO 639-1 code, such as en or zh; empty where there is no word, or no telling."""
    if not any(letter.isalpha() for letter in text[:LONGEST]):
        return ""
    code, chance = _identifier().classify(text[:LONGEST])
    return str(code) if chance >= SURE else ""


@cache
def _identifier() -> Any:  # py3langid has no types
    from py3langid.langid import MODEL_FILE, LanguageIdentifier  # reads its table: only those who vote wait for it

    found = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    found.set_languages(COMMON)
    return found
