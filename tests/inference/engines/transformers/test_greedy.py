"""Greedy decoding is token for token what `model.generate` gives, whatever the architecture."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from inference.engines.base import Prompt, SamplingParams
from inference.engines.transformers.engine import TransformersEngine

pytestmark = pytest.mark.torch

ARCHITECTURES = [
    ("LlamaForCausalLM", "LlamaConfig", {}),
    ("Qwen2ForCausalLM", "Qwen2Config", {"tie_word_embeddings": True}),
    ("MistralForCausalLM", "MistralConfig", {"sliding_window": 16}),
    ("Qwen3ForCausalLM", "Qwen3Config", {"head_dim": 16}),
    ("GPT2LMHeadModel", "GPT2Config", {"n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 256}),
    ("Gemma2ForCausalLM", "Gemma2Config", {"head_dim": 16, "sliding_window": 16, "query_pre_attn_scalar": 16}),
    ("PhiForCausalLM", "PhiConfig", {}),
    ("MixtralForCausalLM", "MixtralConfig", {"num_local_experts": 4, "num_experts_per_tok": 2}),
    ("Qwen3MoeForCausalLM", "Qwen3MoeConfig", {"num_experts": 4, "num_experts_per_tok": 2, "head_dim": 8}),
    ("BloomForCausalLM", "BloomConfig", {"n_layer": 2, "n_head": 4}),
]
PROMPTS = [tuple((7 * i + 31 * j) % 250 for j in range(3 + 5 * i)) for i in range(8)]


class Ids:
    """Token ids instead of text, so that tokens can be compared through the engine's face."""

    @staticmethod
    def decode(ids: Any) -> str:
        return "".join(f"{token_id} " for token_id in ids)


@pytest.fixture
def show_ids(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("inference.engines.transformers.assembly.decoder_of", lambda tokenizer, syntax: Ids.decode)


async def engine_ids(engine: TransformersEngine, prompt: tuple[int, ...], **sampling: Any) -> list[int]:
    text = ""
    async for delta in engine.generate(Prompt(prompt), SamplingParams(temperature=0.0, **sampling)):
        text += delta.text
    return [int(part) for part in text.split()]


@pytest.fixture
def reference() -> Callable[..., list[int]]:
    """The same with the library's own loop; the final stop token is left out, as the engine does not show it."""
    models: dict[Path, Any] = {}

    def generate(folder: Path, prompt: tuple[int, ...], count: int, **options: Any) -> list[int]:
        import torch
        from transformers import AutoModelForCausalLM

        if folder not in models:
            models[folder] = AutoModelForCausalLM.from_pretrained(str(folder), dtype=torch.float32)
        model = models[folder]
        output = model.generate(torch.tensor([prompt]), max_new_tokens=count, do_sample=False, **options)
        ids: list[int] = output[0, len(prompt) :].tolist()
        eos = model.generation_config.eos_token_id
        return ids[:-1] if ids[-1] == eos else ids

    return generate


@pytest.mark.usefixtures("show_ids")
@pytest.mark.parametrize(("architecture", "config", "settings"), ARCHITECTURES, ids=[a[0] for a in ARCHITECTURES])
async def test_random_models_of_many_architectures_eight_at_once(
    architecture: str,
    config: str,
    settings: dict[str, Any],
    tiny_model: Callable[..., Path],
    opened: Callable[..., TransformersEngine],
    reference: Callable[..., list[int]],
) -> None:
    folder = tiny_model(architecture, config, **settings)
    engine = opened(folder)
    expected = [reference(folder, prompt, 24) for prompt in PROMPTS]
    assert await engine_ids(engine, PROMPTS[1], max_tokens=24) == expected[1]
    together = await asyncio.gather(*(engine_ids(engine, prompt, max_tokens=24) for prompt in PROMPTS))
    assert together == expected
    assert len({tuple(ids) for ids in expected}) > 4


@pytest.mark.usefixtures("show_ids")
@pytest.mark.parametrize(
    ("architecture", "config"), [("Qwen3ForCausalLM", "Qwen3Config"), ("GPT2LMHeadModel", "GPT2Config")]
)
async def test_thirty_two_at_once_in_a_cache_for_a_few_with_beginnings_that_return(
    architecture: str,
    config: str,
    tiny_model: Callable[..., Path],
    opened: Callable[..., TransformersEngine],
    reference: Callable[..., list[int]],
) -> None:
    folder = tiny_model(architecture, config, head_dim=16, n_embd=32, n_layer=2, n_head=2, n_positions=256)
    engine = opened(folder, context_length=128, kv_cache_tokens=256)
    prompts = [tuple((11 * i + 5 * j) % 250 for j in range(20 + i % 4)) for i in range(16)]
    expected = [reference(folder, prompt, 30) for prompt in prompts]
    together = await asyncio.gather(*(engine_ids(engine, prompt, max_tokens=30) for prompt in prompts * 2))
    assert together == expected * 2
    returned = [await engine_ids(engine, prompts[3], max_tokens=30) for _ in range(2)]
    assert returned == [expected[3]] * 2
    stats = engine.stats()
    assert stats.preempted_total > 0
    assert stats.prefix_hit_tokens > 0
    assert stats.cache_used_tokens == 0


@pytest.mark.usefixtures("show_ids")
async def test_repetition_penalty_is_the_librarys(
    tiny_llama: Path, opened: Callable[..., TransformersEngine], reference: Callable[..., list[int]]
) -> None:
    engine = opened(tiny_llama)
    expected = reference(tiny_llama, PROMPTS[3], 24, repetition_penalty=1.4)
    assert await engine_ids(engine, PROMPTS[3], max_tokens=24, repetition_penalty=1.4) == expected
    assert expected != reference(tiny_llama, PROMPTS[3], 24)


@pytest.mark.usefixtures("show_ids")
async def test_a_prompt_that_comes_in_by_chunks_gives_the_same_tokens(
    tiny_llama: Path,
    opened: Callable[..., TransformersEngine],
    reference: Callable[..., list[int]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("inference.batching.pace.MOST", 7)
    prompt = tuple(range(100))
    assert await engine_ids(opened(tiny_llama), prompt, max_tokens=16) == reference(tiny_llama, prompt, 16)


@pytest.mark.usefixtures("show_ids")
async def test_the_real_model_in_fp32_alone_and_together(
    smollm2: TransformersEngine,
    converted_smollm2: Path,
    opened: Callable[..., TransformersEngine],
    reference: Callable[..., list[int]],
) -> None:
    folder, engine = converted_smollm2, opened(converted_smollm2, dtype="float32")
    texts = ["What is the capital of France?", "写一首诗 🙂", "Two plus two is"]
    prompts = [smollm2.encode_chat([{"role": "user", "content": text}]).token_ids for text in texts]
    expected = [reference(folder, prompt, 8) for prompt in prompts]
    assert await engine_ids(engine, prompts[0], max_tokens=8) == expected[0]
    assert await asyncio.gather(*(engine_ids(engine, prompt, max_tokens=8) for prompt in prompts)) == expected
