"""The same request gives the same text: alone, in a crowd, from a cached beginning, preempted, after a restart."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from inference.engines.base import Prompt, SamplingParams
from inference.engines.transformers.engine import TransformersEngine
from inference.engines.transformers.native.build import find_compiler

pytestmark = [
    pytest.mark.torch,
    # Without the kernels a seed holds up to rounding only.
    pytest.mark.skipif(find_compiler() is None, reason="no C compiler is here"),
]

QUESTION = "Write a short story about a lighthouse keeper who collects stamps from all over the world."
SETTINGS: dict[str, Any] = {"temperature": 1.1, "top_p": 0.95, "seed": 77, "max_tokens": 24}


def ask(engine: TransformersEngine, text: str = QUESTION) -> Prompt:
    return engine.encode_chat([{"role": "user", "content": text}])


async def text_of(engine: TransformersEngine, prompt: Prompt, **sampling: Any) -> str:
    return "".join([delta.text async for delta in engine.generate(prompt, SamplingParams(**sampling))])


def others(engine: TransformersEngine, count: int) -> list[Any]:
    chance = random.Random(5)
    asked = []
    for i in range(count):
        prompt = ask(engine, " ".join(chance.choices(["stone", "river", "lamp", "a", "the", "sings"], k=1 + 3 * i)))
        asked.append(text_of(engine, prompt, temperature=chance.random(), max_tokens=chance.randrange(4, 40)))
    return asked


async def test_the_same_seed_gives_the_same_text_whatever_happens_around_it(
    smollm2: TransformersEngine, converted_smollm2: Path, opened: Callable[..., TransformersEngine]
) -> None:
    alone = await text_of(smollm2, ask(smollm2), **SETTINGS)
    from_cache = await text_of(smollm2, ask(smollm2), **SETTINGS)
    crowd = await asyncio.gather(text_of(smollm2, ask(smollm2), **SETTINGS), *others(smollm2, 31))
    small = opened(converted_smollm2, context_length=192, kv_cache_tokens=192, dtype="bfloat16")
    squeezed = await asyncio.gather(*(text_of(small, ask(small), **SETTINGS) for _ in range(6)))
    assert smollm2.stats().prefix_hit_tokens > 0
    assert small.stats().preempted_total > 0
    assert {alone, from_cache, crowd[0], *squeezed} == {alone}
    assert len(alone) > 40


async def test_other_seeds_give_other_texts_and_so_does_none(smollm2: TransformersEngine) -> None:
    seeds = [{"seed": 1}, {"seed": 2}, {}, {}]
    asked = (text_of(smollm2, ask(smollm2), **{**SETTINGS, "seed": None, **seed}) for seed in seeds)
    assert len(set(await asyncio.gather(*asked))) == 4


async def test_most_likely_tokens_are_the_same_with_and_without_a_cached_beginning(
    smollm2: TransformersEngine, converted_smollm2: Path, opened: Callable[..., TransformersEngine]
) -> None:
    prompt = ask(smollm2, "Count from one to twenty.")
    cached = [await text_of(smollm2, prompt, temperature=0.0, max_tokens=20) for _ in range(2)]
    forgetful = opened(converted_smollm2, prefix_cache=False, context_length=256, dtype="bfloat16")
    fresh = await asyncio.gather(*(text_of(forgetful, prompt, temperature=0.0, max_tokens=20) for _ in range(3)))
    assert {*cached, *fresh} == {cached[0]}
    assert forgetful.stats().prefix_hit_tokens == 0
