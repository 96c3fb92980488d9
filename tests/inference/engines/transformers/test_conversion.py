"""What the conversion of a GGUF file leaves on disk, with the real demo model."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from inference.engines.base import LoadProgress
from inference.errors import LoadError
from inference.sources.progress import Span
from inference.sources.resolve import resolve

pytestmark = pytest.mark.torch


@pytest.fixture(scope="module")
def tokenizer(converted_smollm2: Path) -> Any:
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(str(converted_smollm2), local_files_only=True)


def test_the_weights_are_plain_bf16_and_nothing_says_quantized(converted_smollm2: Path) -> None:
    config = json.loads((converted_smollm2 / "config.json").read_text())
    assert config["dtype"] == "bfloat16"
    assert "quantization_config" not in config
    files = resolve(converted_smollm2, converted_smollm2, Span(lambda progress: None))
    assert files.tensor_bytes == {"BF16": 269_030_016}


def test_special_tokens_are_single_ids_and_the_end_of_a_turn_ends_a_text(
    tokenizer: Any, converted_smollm2: Path
) -> None:
    assert tokenizer("<|im_start|>")["input_ids"] == [1]
    assert tokenizer("<|im_end|>")["input_ids"] == [2]
    assert tokenizer.eos_token == "<|im_end|>"
    assert json.loads((converted_smollm2 / "generation_config.json").read_text())["eos_token_id"] == 2


def test_the_chat_template_is_the_models_own(tokenizer: Any) -> None:
    messages = [{"role": "system", "content": "S"}, {"role": "user", "content": "U"}]
    prompt = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
    assert prompt == "<|im_start|>system\nS<|im_end|>\n<|im_start|>user\nU<|im_end|>\n<|im_start|>assistant\n"


def test_digits_stand_alone_as_when_the_merges_were_learned(tokenizer: Any) -> None:
    # Split as GPT-2 does, the second of the two spaces would go with the digit.
    assert tokenizer.tokenize("a  12") == ["a", "ĠĠ", "1", "2"]


def test_a_second_start_finds_the_conversion_at_once(smollm2_path: Path, converted_smollm2: Path) -> None:
    seen: list[LoadProgress] = []
    cache = converted_smollm2.parent.parent
    assert resolve(smollm2_path, cache, Span(seen.append)).folder == converted_smollm2
    assert [progress.detail for progress in seen] == ["looking at the model's files"]


def test_a_gguf_file_cut_off_in_its_header_is_refused_with_a_reason(smollm2_path: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.gguf"
    with smollm2_path.open("rb") as file:
        broken.write_bytes(file.read(5000))
    with pytest.raises(LoadError, match=r"GGUF file .*broken\.gguf cannot be converted: .* Copy it again"):
        resolve(broken, tmp_path / "cache", Span(lambda progress: None))
    assert not list((tmp_path / "cache" / "gguf").glob("*-v1"))


def test_a_gguf_file_cut_off_in_its_weights_is_refused_with_a_reason(smollm2_path: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.gguf"
    shutil.copyfile(smollm2_path, broken)
    with broken.open("r+b") as file:
        file.truncate(60_000_000)
    with pytest.raises(LoadError, match="cannot be converted: it is truncated"):
        resolve(broken, tmp_path / "cache", Span(lambda progress: None))
