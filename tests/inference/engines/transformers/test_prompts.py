"""Tokens to text, and the marks of calls in it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from chat_templates import LLAMA, QWEN

from inference.engines.transformers.prompts import decoder_of, tool_syntax_of
from inference.tools.formats import HERMES, LLAMA3, ToolSyntax

pytestmark = pytest.mark.torch
MARKS = ["<tool_call>", "</tool_call>"]


@pytest.fixture
def tokenizer(tmp_path: Path, save_tokenizer: Callable[..., None]) -> Any:
    from transformers import AutoTokenizer

    save_tokenizer(tmp_path, chat_template=QWEN)
    return AutoTokenizer.from_pretrained(str(tmp_path), local_files_only=True)


@pytest.mark.parametrize("special", [False, True])
def test_marks_of_calls_are_shown_also_where_they_are_special_tokens(tokenizer: Any, special: bool) -> None:
    tokenizer.add_tokens(MARKS, special_tokens=special)
    syntax = tool_syntax_of(tokenizer, None, None)
    assert syntax == ToolSyntax(HERMES, frozenset(MARKS))
    ids = tokenizer("<s>a<tool_call>é</tool_call></s>").input_ids
    assert len(ids) == 7
    assert decoder_of(tokenizer, syntax)(ids) == "a<tool_call>é</tool_call>"


def test_special_tokens_stay_hidden_where_no_calls_are_expected(tokenizer: Any) -> None:
    tokenizer.add_tokens(MARKS, special_tokens=True)
    assert decoder_of(tokenizer)(tokenizer("<s>a<tool_call>é</s>").input_ids) == "aé"


def test_the_option_names_the_format_where_the_template_takes_tools_at_all(tokenizer: Any) -> None:
    assert tool_syntax_of(tokenizer, LLAMA, None) == ToolSyntax(LLAMA3)
    assert tool_syntax_of(tokenizer, "{% if tools %}{% endif %}", "llama3") == ToolSyntax(LLAMA3)
    assert tool_syntax_of(tokenizer, "{{ messages }}", "llama3") is None
