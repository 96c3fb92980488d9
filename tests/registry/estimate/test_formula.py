"""Weights, cache and overhead, by the options of a deployment."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from inference.protocol.engines import ENGINES
from registry.estimate.facts import EMPTY, ModelFacts
from registry.estimate.formula import GIB, MIB, UNKNOWN_WEIGHTS, Estimate, from_files

# 8 billion parameters, as Llama 3 has them.
FACTS = ModelFacts(
    weights={"BF16": 16 * 10**9},
    linear=7 * 10**9,
    dtype="BF16",
    layers=32,
    hidden=4096,
    intermediate=14_336,
    vocabulary=128_256,
    context=131_072,
    kv_values=32 * 2 * 8 * 128,
)


def estimated(facts: ModelFacts = FACTS, **options: Any) -> Estimate:
    return from_files({"engine": "transformers", "options": options}, facts)


@pytest.mark.parametrize(
    ("options", "gigabytes"),
    [
        ({}, 16),
        ({"dtype": "auto"}, 16),
        ({"dtype": "float32"}, 32),
        ({"dtype": "float16"}, 16),
        ({"load_in_8bit": True}, 7 + 2),
        ({"load_in_4bit": True}, 7 * 0.5625 + 2),
    ],
)
def test_weights_by_the_type_they_are_loaded_in(options: dict[str, Any], gigabytes: float) -> None:
    assert estimated(**options).weights_bytes == int(gigabytes * 10**9)


def test_what_is_quantized_in_its_files_stays_as_large_as_it_is() -> None:
    packed = replace(FACTS, weights={"I32": 4 * 10**9, "F16": 10**9}, quantized="gptq")
    assert estimated(packed).weights_bytes == 5 * 10**9
    assert estimated(packed, load_in_8bit=True).weights_bytes == 5 * 10**9
    assert "packed by gptq" in estimated(packed).notes[0]


def test_the_cache_is_keys_and_values_of_every_token_of_every_request() -> None:
    shorter = replace(FACTS, context=32_768)
    assert estimated(shorter).kv_bytes == 32 * 2 * 8 * 128 * 2 * 8192 * 4  # 4 GiB: context and requests as assumed
    assert estimated(context_length=1024, max_running=2).kv_bytes == 65_536 * 2 * 1024 * 2
    assert estimated(kv_cache_tokens=200_000).kv_bytes == 65_536 * 2 * 200_000
    assert estimated(dtype="float32").kv_bytes == 2 * estimated().kv_bytes
    assert estimated(replace(FACTS, context=2048)).kv_bytes == estimated(context_length=2048).kv_bytes


def test_layers_with_a_window_keep_no_more_than_it() -> None:
    windowed = replace(FACTS, kv_values=0, window_values=FACTS.kv_values, window=1024)
    assert estimated(windowed).kv_bytes == estimated(context_length=1024).kv_bytes


def test_an_encoder_has_no_cache() -> None:
    assert estimated(replace(FACTS, encoder=True)).kv_bytes == 0


def test_running_it_takes_a_runtime_on_each_gpu_and_room_between_layers() -> None:
    one = from_files({"engine": "transformers", "options": {}}, FACTS)
    three = from_files({"engine": "transformers", "options": {}, "gpus": 3}, FACTS)
    named = from_files({"engine": "transformers", "options": {}, "devices": "a:0,1,2"}, FACTS)
    assert three.overhead_bytes - one.overhead_bytes == 2 * ENGINES["transformers"].runtime_bytes
    assert named == three
    assert 1 * GIB < one.overhead_bytes < 3 * GIB


def test_a_gguf_file_needs_room_to_be_converted_on_the_machine_itself() -> None:
    converted = replace(FACTS, converted=True)
    small = {"context_length": 16, "max_running": 1}
    assert estimated(converted, **small).total > estimated(FACTS, **small).total + 15 * 10**9
    assert estimated(converted, device="cuda", **small).total == estimated(FACTS, **small).total


def test_without_files_it_assumes_and_says_so() -> None:
    unseen = estimated(EMPTY)
    assert (unseen.weights_bytes, unseen.source) == (UNKNOWN_WEIGHTS, "no files seen")
    assert "no node has shown the files yet" in unseen.notes[0]
    assert "is cut off" in estimated(ModelFacts(problem="x is cut off")).notes[0]


def test_the_echo_engine_needs_little_and_what_its_option_says() -> None:
    assert from_files({"engine": "echo", "options": {}}, EMPTY).total == 64 * MIB
    assert from_files({"engine": "echo", "options": {"memory_mb": 36}}, EMPTY).total == 100 * MIB
    assert from_files({"engine": "echo", "options": {"memory_mb": "much"}}, EMPTY).total == 64 * MIB


def test_the_cache_is_for_one_whole_context_at_least() -> None:
    vllm = from_files({"engine": "vllm", "options": {}}, FACTS)
    assert vllm.kv_bytes == FACTS.kv_values * 2 * FACTS.context  # twice what eight requests of 8,192 tokens take
    assert estimated().kv_bytes == vllm.kv_bytes
    assert vllm.overhead_bytes > 2 * GIB
    short = from_files({"engine": "vllm", "options": {"context_length": 1024}}, FACTS)
    assert short.kv_bytes == estimated(context_length=1024).kv_bytes


@pytest.mark.parametrize(("written", "size"), [("3GiB", 3 * GIB), (GIB, GIB), ("much", 16 * GIB), (None, 16 * GIB)])
def test_its_cache_is_as_large_as_its_option_says(written: object, size: int) -> None:
    assert from_files({"engine": "vllm", "options": {"kv_cache_bytes": written}}, FACTS).kv_bytes == size


def test_the_parts_add_up_and_go_as_json() -> None:
    estimate = estimated()
    assert estimate.total == estimate.weights_bytes + estimate.kv_bytes + estimate.overhead_bytes
    assert estimate.as_json()["notes"] == list(estimate.notes)
