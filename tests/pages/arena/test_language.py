"""The language of a question."""

from __future__ import annotations

import pytest

from pages.arena.language import language


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("How do I sort a list of numbers in Python?", "en"),
        ("写一首关于春天的诗", "zh"),
        ("Wie wird das Wetter morgen in Berlin?", "de"),
        ("こんにちは、元気ですか", "ja"),
        ("2 + 2 = ?", ""),
        ("hello there", "en"),
        ("你好", "zh"),
        ("請寫一首詩", "zh"),
        ("tell me a joke", "en"),
        ("ok", ""),
    ],
)
def test_it_is_recognised(text: str, code: str) -> None:
    assert language(text) == code
