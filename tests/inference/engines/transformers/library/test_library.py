"""Models of the library over our cache: the same logits as by themselves, and on the CPU the same bits in any batch."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

from inference.batching.track import Chunk  # noqa: E402
from inference.engines.transformers.library.forward import (  # noqa: E402
    PagedForward,
    SequentialForward,
    library_forward,
)
from inference.engines.transformers.native.build import find_compiler  # noqa: E402
from inference.engines.transformers.native.forward import load_kernels  # noqa: E402

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
MODELS: dict[str, dict[str, Any]] = {
    "gpt2": {"n_embd": 64, "n_layer": 2, "n_head": 4, "num_key_value_heads": 4},
    "gemma2": {"head_dim": 16, "sliding_window": 16},
    "gpt_oss": {"head_dim": 16, "num_local_experts": 4, "num_experts_per_tok": 2, "sliding_window": 16},
    "mixtral": {"num_local_experts": 4, "num_experts_per_tok": 2, "sliding_window": 24},
    "stablelm": {},
}


def model_of(name: str, dtype: Any = torch.float32) -> Any:
    from transformers import AutoConfig, AutoModelForCausalLM

    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_config(AutoConfig.for_model(name, **{**SIZES, **MODELS.get(name, {})}))
    for parameter in model.parameters():
        parameter.data.add_(torch.randn_like(parameter) * 0.05)
    return model.to(dtype).eval()


def paged(model: Any, cache_dir: Path | None) -> Any:
    kernels = None if cache_dir is None else load_kernels(model.dtype, cache_dir)
    return library_forward(model, "cpu", blocks=32, kernels=kernels, threads=2)


@pytest.mark.parametrize("name", MODELS)
@torch.inference_mode()
def test_chunks_of_several_sequences_give_the_logits_of_each_alone(name: str, tmp_path: Path) -> None:
    texts = [random.Random(i).choices(range(3, 200), k=n) for i, n in enumerate((40, 1, 17))]
    expected = [model_of(name)(input_ids=torch.tensor([ids])).logits[0] for ids in texts]
    forward = paged(model_of(name), tmp_path)
    assert isinstance(forward, SequentialForward if name == "stablelm" else PagedForward)
    halves = [Chunk(texts[0][:23], 0, [5, 1], 23), Chunk(texts[1], 0, [9], 0), Chunk(texts[2], 0, [4, 8], 0)]
    first = forward.step(halves)
    second = forward.step([Chunk(texts[0][23:], 23, [5, 1, 7], 0)])
    assert torch.allclose(first, torch.cat(expected[1:]), atol=1e-4)
    assert torch.allclose(second, expected[0][23:], atol=1e-4)


@pytest.mark.skipif(find_compiler() is None, reason="no C compiler is here")
@pytest.mark.parametrize("name", ["gpt2", "mixtral"])
@torch.inference_mode()
def test_with_the_kernels_a_rows_bits_do_not_depend_on_its_neighbours(name: str, tmp_path: Path) -> None:
    forward = paged(model_of(name, torch.bfloat16), tmp_path)
    ids, chance, rows = random.Random(7).choices(range(200), k=50), random.Random(8), []
    whole = forward.step([Chunk(ids, 0, range(4), 0)])
    for at in range(len(ids)):
        others = [Chunk(chance.choices(range(200), k=chance.randrange(1, 9)), 0, [20 + i], 0) for i in range(at % 7)]
        rows.append(forward.step([Chunk([ids[at]], at, range(10, 14), 0), *others])[0])
    assert torch.equal(torch.stack(rows), whole)


@torch.inference_mode()
def test_the_hidden_states_of_a_text_leave_the_cache_alone() -> None:
    forward = paged(model_of("gpt2"), None)
    ids = list(range(30))
    forward.step([Chunk(ids[:20], 0, [0, 1], 20)])
    expected = model_of("gpt2")(input_ids=torch.tensor([ids]), output_hidden_states=True).hidden_states[-1][0]
    assert torch.allclose(forward.hidden(ids), expected, atol=1e-4)
    whole = forward.step([Chunk(ids, 0, [2, 3], 20)])
    assert torch.allclose(forward.step([Chunk(ids[20:], 20, [0, 1], 0)]), whole, atol=1e-4)
