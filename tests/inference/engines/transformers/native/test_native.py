"""The kernels against the library's own models: the same logits, and the same bits whatever else is in a step."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
from inference.batching.track import Chunk  # noqa: E402
from inference.engines.transformers.native.build import find_compiler  # noqa: E402
from inference.engines.transformers.native.forward import NativeForward, load_kernels, native_forward  # noqa: E402

pytestmark = [
    pytest.mark.torch,
    pytest.mark.skipif(find_compiler() is None, reason="no C compiler is here"),
]

SIZES = {
    "vocab_size": 200,
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 256,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
}
LLAMA3_ROPE = {
    "rope_type": "llama3",
    "rope_theta": 10000.0,
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 64,
}
YARN = {"rope_type": "yarn", "rope_theta": 10000.0, "factor": 4.0, "original_max_position_embeddings": 64}
FAMILY = [
    ("llama", {}),
    ("llama", {"attention_bias": True, "mlp_bias": True, "tie_word_embeddings": True, "rope_parameters": LLAMA3_ROPE}),
    ("llama", {"head_dim": 48, "num_key_value_heads": 1, "rope_parameters": YARN}),
    ("mistral", {"sliding_window": 20, "head_dim": 32}),
    ("qwen2", {"tie_word_embeddings": True}),
    ("qwen2", {"use_sliding_window": True, "sliding_window": 24, "max_window_layers": 1}),
    ("qwen3", {"head_dim": 32}),
    ("phi3", {"sliding_window": None}),
    ("phi3", {"head_dim": 64, "partial_rotary_factor": 0.5, "sliding_window": None}),
    (
        "granite",
        {"embedding_multiplier": 6.0, "residual_multiplier": 0.3, "attention_multiplier": 0.1, "logits_scaling": 4.0},
    ),
    ("smollm3", {"no_rope_layers": [1, 0]}),
]
IDS = [f"{name}{i}" for i, (name, _) in enumerate(FAMILY)]


def random_model(name: str, settings: dict[str, Any], dtype: Any = None) -> Any:
    from transformers import AutoConfig, AutoModelForCausalLM

    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_config(AutoConfig.for_model(name, **{**SIZES, **settings}))
    for parameter in model.parameters():
        parameter.data.add_(torch.randn_like(parameter) * 0.05)
    return model.to(dtype or torch.float32).eval()


def native(model: Any, cache_dir: Path) -> NativeForward:
    rotary = model.base_model.rotary_emb
    kernels = load_kernels(model.dtype, cache_dir)
    assert kernels is not None
    forward = native_forward(model, kernels, threads=2)
    assert forward is not None
    forward.open_cache(64, context=256, rotary=rotary)
    return forward


@pytest.fixture(scope="session")
def kernels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("kernels")


@pytest.mark.parametrize(("name", "settings"), FAMILY, ids=IDS)
def test_logits_in_fp32_are_those_of_the_library(name: str, settings: dict[str, Any], kernels: Path) -> None:
    model = random_model(name, settings)
    ids = random.Random(1).choices(range(200), k=75)
    with torch.inference_mode():
        output = model(input_ids=torch.tensor([ids]), output_hidden_states=True)
        forward = native(model, kernels)
        logits = forward.step([Chunk(ids, 0, [7, 3, 1, 9, 4], 0)])
        hidden = forward.hidden(ids)
    assert logits.shape == output.logits[0].shape
    assert float((logits - output.logits[0]).abs().max()) <= 1e-4
    assert float((hidden - output.hidden_states[-1][0]).abs().max()) <= 1e-4


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
@pytest.mark.parametrize(("name", "settings"), [FAMILY[1], FAMILY[3], FAMILY[6]], ids=[IDS[1], IDS[3], IDS[6]])
def test_a_rows_bits_do_not_depend_on_how_its_sequence_came_in_nor_on_its_neighbours(
    name: str, settings: dict[str, Any], dtype: Any, kernels: Path
) -> None:
    forward, chance = native(random_model(name, settings, dtype), kernels), random.Random(2)
    ids = chance.choices(range(200), k=90)
    whole = forward.step([Chunk(ids, 0, range(6), 0)]).clone()
    blocks, done, rows = [11, 6, 8, 7, 10, 9], 0, []
    while done < len(ids):
        count = min(len(ids) - done, chance.choice([1, 1, 1, 3, 7, 20]))
        others = [
            Chunk(chance.choices(range(200), k=chance.choice([1, 1, 9])), 0, [12 + i], 0)
            for i in range(chance.randrange(20))
        ]
        place = chance.randrange(len(others) + 1)
        chunks = [*others[:place], Chunk(ids[done : done + count], done, blocks, 0), *others[place:]]
        skipped = sum(len(chunk.token_ids) for chunk in others[:place])
        rows.append(forward.step(chunks)[skipped : skipped + count].clone())
        done += count
    assert torch.equal(torch.cat(rows), whole)


def test_with_bfloat16_it_is_nearer_to_the_truth_than_the_librarys_own_way(kernels: Path) -> None:
    ids = random.Random(3).choices(range(200), k=60)
    model = random_model("llama", {}, torch.bfloat16)
    with torch.inference_mode():
        rounded = model(input_ids=torch.tensor([ids])).logits[0].double()
        exact = random_model("llama", {}, torch.bfloat16).double()(input_ids=torch.tensor([ids])).logits[0]
        ours = native(model, kernels).step([Chunk(ids, 0, range(4), 0)]).double()
    assert (ours - exact).abs().mean() < (rounded - exact).abs().mean()


def test_only_the_tokens_that_ask_for_logits_get_them(kernels: Path) -> None:
    forward = native(random_model("llama", {}), kernels)
    everything = forward.step([Chunk([5, 6, 7], 0, [0], 0), Chunk([8, 9], 0, [1], 0)]).clone()
    some = forward.step([Chunk([5, 6, 7], 0, [0], 2), Chunk([8, 9], 0, [1], 2)])
    assert torch.equal(some, everything[2:3])


def test_the_librarys_copy_of_the_weights_is_gone(kernels: Path) -> None:
    model = random_model("llama", {})
    native(model, kernels)
    assert all(parameter.is_meta for parameter in model.model.layers.parameters())


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("gpt2", {}),
        ("llama", {"hidden_act": "gelu"}),
        ("llama", {"head_dim": 8}),
        ("llama", {"rope_parameters": {"rope_type": "dynamic", "rope_theta": 10000.0, "factor": 2.0}}),
    ],
)
def test_what_the_kernels_do_not_know_is_left_to_the_library(
    name: str, settings: dict[str, Any], kernels: Path
) -> None:
    model = random_model(name, settings)
    compiled = load_kernels(torch.float32, kernels)
    assert compiled is not None
    assert native_forward(model, compiled, threads=1) is None
    assert not any(parameter.is_meta for parameter in model.parameters())
