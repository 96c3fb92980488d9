"""Generation with a real model, through the engine's face."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from inference.engines.base import Capability, Prompt, SamplingParams
from inference.engines.transformers.engine import TransformersEngine
from inference.engines.transformers.prompts import decoder_of
from inference.errors import InvalidRequest
from inference.text.stream import TextStream

pytestmark = pytest.mark.torch
Answering = Callable[..., Any]


def ask(engine: TransformersEngine, text: str) -> Prompt:
    return engine.encode_chat([{"role": "user", "content": text}])


def test_a_chat_model_says_what_it_can_do(smollm2: TransformersEngine) -> None:
    assert smollm2.capabilities == {Capability.CHAT, Capability.COMPLETIONS, Capability.EMBEDDINGS}
    assert smollm2.context_length == 8192


def test_the_chat_template_survives_the_conversion_with_single_special_tokens(smollm2: TransformersEngine) -> None:
    ids = ask(smollm2, "Hi").token_ids
    start, end = 1, 2
    assert ids[0] == start
    assert ids.count(start) == 3
    assert ids.count(end) == 2


async def test_an_answer_ends_at_the_models_own_stop_token(smollm2: TransformersEngine, answer: Answering) -> None:
    said = await answer(smollm2, ask(smollm2, "Say hello in one short sentence."), temperature=0.0, max_tokens=60)
    assert said.reason == "stop"
    assert said.tokens == len(said.parts)
    assert said.parts[-1] == ""
    assert said.text
    assert "<|im_end|>" not in said.text


async def test_text_comes_token_by_token(smollm2: TransformersEngine, answer: Answering) -> None:
    said = await answer(smollm2, ask(smollm2, "Count to ten."), temperature=0.0, max_tokens=8)
    assert said.tokens == len(said.parts) == 8
    assert said.reason == "length"
    assert sum(bool(part) for part in said.parts) >= 6


async def test_an_answer_that_was_cut_and_goes_on_is_the_uncut_one(
    smollm2: TransformersEngine, answer: Answering
) -> None:
    asked = {"role": "user", "content": "Count to ten."}
    whole = await answer(smollm2, smollm2.encode_chat([asked]), temperature=0.0, max_tokens=14)
    begun = await answer(smollm2, smollm2.encode_chat([asked]), temperature=0.0, max_tokens=8)
    open_end = {"add_generation_prompt": False, "continue_final_message": True}
    prompt = smollm2.encode_chat([asked, {"role": "assistant", "content": begun.text}], **open_end)
    rest = await answer(smollm2, prompt, temperature=0.0, max_tokens=6)
    assert begun.text + rest.text == whole.text
    assert len(prompt.token_ids) == len(smollm2.encode_chat([asked]).token_ids) + 8


async def test_a_stop_string_across_tokens_ends_the_answer_and_is_not_shown(
    smollm2: TransformersEngine, answer: Answering
) -> None:
    prompt = ask(smollm2, "Count to ten.")
    whole = await answer(smollm2, prompt, temperature=0.0, max_tokens=12)
    stop = whole.text[len(whole.text) // 2 - 2 : len(whole.text) // 2 + 3]
    said = await answer(smollm2, prompt, temperature=0.0, max_tokens=12, stop=(stop,))
    assert said.text == whole.text[: whole.text.index(stop)]
    assert said.reason == "stop"


async def test_a_seed_gives_the_same_text_alone_and_beside_others(
    smollm2: TransformersEngine, answer: Answering
) -> None:
    prompt = ask(smollm2, "Write a short poem.")
    seeded = {"temperature": 1.0, "seed": 42, "max_tokens": 10}
    alone = await answer(smollm2, prompt, **seeded)
    others = [answer(smollm2, ask(smollm2, f"Tell me about {i}."), seed=i, max_tokens=10) for i in range(3)]
    beside, *_ = await asyncio.gather(answer(smollm2, prompt, **seeded), *others)
    assert beside == alone
    assert (await answer(smollm2, prompt, **{**seeded, "seed": 43})).text != alone.text


async def test_ignoring_the_end_of_text_goes_on_to_max_tokens(smollm2: TransformersEngine, answer: Answering) -> None:
    prompt = Prompt((*ask(smollm2, "Hi").token_ids, 2))
    stopping = await answer(smollm2, prompt, temperature=0.0, max_tokens=6)
    going_on = await answer(smollm2, prompt, temperature=0.0, max_tokens=6, ignore_eos=True)
    assert going_on.tokens == 6
    assert going_on.reason == "length"
    assert stopping.tokens <= going_on.tokens


async def test_closing_the_iterator_ends_the_sequence_within_a_step(
    smollm2: TransformersEngine, take: Answering, eventually: Answering
) -> None:
    before = smollm2.stats()
    stream = smollm2.generate(ask(smollm2, "Tell me a long story."), SamplingParams(ignore_eos=True))
    await take(stream, 3)
    # As it is now: the engine does not wait for this thread, which a busy machine may have held up.
    so_far = smollm2.stats().tokens_total
    await stream.aclose()
    await eventually(lambda: smollm2.stats().running == 0)
    after = smollm2.stats()
    assert after.aborted_total == before.aborted_total + 1
    # The step in progress, and the one that had begun before the close was seen.
    assert after.tokens_total - so_far <= 2


async def test_a_cancelled_task_ends_its_sequence_also_while_the_prompt_comes_in(
    smollm2: TransformersEngine, answer: Answering, eventually: Answering
) -> None:
    before = smollm2.stats().aborted_total
    task = asyncio.ensure_future(answer(smollm2, Prompt((5,) * 4000)))
    await eventually(lambda: smollm2.stats().running == 1)
    task.cancel()
    await eventually(lambda: smollm2.stats().running == 0)
    assert smollm2.stats().aborted_total == before + 1


async def test_a_prompt_longer_than_the_context_is_refused_before_the_first_delta(
    smollm2: TransformersEngine, answer: Answering
) -> None:
    with pytest.raises(InvalidRequest, match="holds 8192 tokens, but the prompt alone has 9000") as refused:
        await answer(smollm2, Prompt((5,) * 9000))
    assert refused.value.code == "context_length_exceeded"
    assert smollm2.stats().waiting == 0


@pytest.mark.parametrize("text", ["你好，世界", "🙂👩‍👩‍👧🏳️‍🌈 and text", "naïve café — тест"])
def test_the_real_tokenizers_tokens_stream_whole_characters(converted_smollm2: Path, text: str) -> None:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(str(converted_smollm2))
    ids = tokenizer(text)["input_ids"]
    stream = TextStream(decoder_of(tokenizer))
    parts = [stream.push(token_id) for token_id in ids]
    assert "".join(parts) + stream.finish() == text
    assert not any("\ufffd" in part for part in parts)


async def test_a_shorter_context_is_served_and_what_is_left_of_it_is_the_default(
    tiny_llama: Path, opened: Callable[..., TransformersEngine], answer: Answering
) -> None:
    engine = opened(tiny_llama, context_length=20)
    said = await answer(engine, Prompt((5,) * 8), temperature=0.0, ignore_eos=True)
    assert said.tokens == 12
    assert said.reason == "length"


async def test_an_empty_prompt_begins_with_the_first_token_of_a_text(
    tiny_llama: Path, opened: Callable[..., TransformersEngine], answer: Answering
) -> None:
    engine = opened(tiny_llama)
    assert engine.encode_text("").token_ids == (256,)
    assert (await answer(engine, engine.encode_text(""), max_tokens=2, ignore_eos=True)).tokens == 2


async def test_the_file_with_generation_defaults_is_used_unless_the_request_says_otherwise(
    tiny_llama: Path, opened: Callable[..., TransformersEngine], answer: Answering, tmp_path: Path
) -> None:
    import json
    import shutil

    folder = shutil.copytree(tiny_llama, tmp_path / "model")
    (folder / "generation_config.json").write_text(json.dumps({"top_k": 1, "eos_token_id": [257, 300]}))
    engine, prompt = opened(folder), Prompt((5, 6, 7))
    greedy = await answer(engine, prompt, temperature=0.0, max_tokens=12, ignore_eos=True)
    assert await answer(engine, prompt, max_tokens=12, ignore_eos=True) == greedy
    assert (await answer(engine, prompt, top_k=0, seed=1, max_tokens=12, ignore_eos=True)).text != greedy.text


async def test_a_deployment_may_set_the_defaults_that_a_request_leaves_open(
    tiny_llama: Path, opened: Callable[..., TransformersEngine], answer: Answering
) -> None:
    engine = opened(tiny_llama, generation_config={"temperature": 0.0})
    prompt = Prompt((3, 4, 5))
    first, second = [await answer(engine, prompt, max_tokens=8) for _ in range(2)]
    greedy = await answer(engine, prompt, max_tokens=8, temperature=0.0)
    assert first.text == second.text == greedy.text
