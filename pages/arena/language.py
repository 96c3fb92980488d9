"""The language of a question, to filter votes by."""

from __future__ import annotations

LONGEST = 2_000  # characters that are looked at


def language(text: str) -> str:
    """Its ISO 639-1 code, such as en or zh; empty where there is no word."""
    import py3langid  # reads its table when it is imported: only those who vote wait for it

    if not any(letter.isalpha() for letter in text[:LONGEST]):
        return ""
    return str(py3langid.classify(text[:LONGEST])[0])
