"""Whether weights fit."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from inference.engines.transformers.memory import (
    Need,
    cache_bytes_per_token,
    cache_tokens,
    check_fits,
    exhausted,
    free_bytes,
    needed_bytes,
    ran_out,
)
from inference.engines.transformers.options import TransformersOptions
from inference.errors import LoadError
from inference.failure import Failure
from inference.protocol.causes import Cause

GB = 1_000_000_000


def test_the_need_follows_the_type_that_is_loaded() -> None:
    stored = {"BF16": 200, "I64": 16}
    assert needed_bytes(stored, "auto") == 216
    assert needed_bytes(stored, "float32") == 416
    assert needed_bytes({"F32": 400}, "bfloat16") == 200


def test_weights_larger_than_what_is_free_are_refused_with_the_numbers() -> None:
    check_fits(Need(10), 10, "cpu")
    with pytest.raises(LoadError, match=r"weights need 16\.0 GB, and 7\.5 GB are free on this machine") as failed:
        check_fits(Need(16 * GB), 7_500_000_000, "cpu")
    assert failed.value.failure.cause is Cause.HOST_MEMORY


@pytest.mark.parametrize(
    ("weights", "free", "advice"),
    [
        (32, 20, "Set the option 'dtype' to bfloat16, which needs 16.0 GB, or stop another model."),
        (16, 10, "Set the option 'load_in_8bit', which needs about 9.0 GB, or stop another model."),
        (16, 7, "Set the option 'load_in_4bit', which needs about 5.9 GB, or stop another model."),
        (16, 5, "Stop another model, set the option 'cpu_offload', or choose a smaller model or dtype."),
    ],
)
def test_the_advice_is_the_first_that_would_be_enough(weights: int, free: int, advice: str) -> None:
    need = Need(weights * GB, {"F32": 32 * GB}, linear=7 * GB, device="cuda:0")
    with pytest.raises(LoadError) as failed:
        check_fits(need, free * GB, "cuda")
    assert (failed.value.failure.cause, failed.value.failure.hint) == (Cause.GPU_MEMORY, advice)


def test_memory_that_ran_out_later_is_met_with_a_context_that_fits() -> None:
    need = Need(16 * GB, {"BF16": 16 * GB}, cache_per_token=131_072, context=131_072)
    assert ran_out(need, 24 * GB, device="cuda") == Failure(
        "The memory of the GPU ran out: the weights take 16.0 GB of 24.0 GB.",
        Cause.GPU_MEMORY,
        "Lower the option 'context_length' from 131072 to 42496, or set the option 'load_in_8bit'.",
    )
    assert "from 131072 to 5120," in ran_out(need, 24 * GB, device="cuda", sequences=8).hint


def test_a_context_that_fits_anyway_is_no_advice() -> None:
    need = Need(16 * GB, {"BF16": 16 * GB}, cache_per_token=131_072, context=4096)
    assert ran_out(need, 24 * GB, device="cuda").hint == (
        "Set the option 'load_in_8bit', which needs about 8.0 GB, or stop another model."
    )
    assert ran_out(replace(need, weights=8 * GB), 8 * GB, device="cuda").hint.startswith(
        "Set the option 'load_in_4bit'"
    )


def test_the_cache_of_a_token_follows_the_heads_that_keep_keys_and_values() -> None:
    llama = {"num_hidden_layers": 32, "num_attention_heads": 32, "num_key_value_heads": 8, "hidden_size": 4096}
    assert cache_bytes_per_token(llama, 2) == 131_072
    assert cache_bytes_per_token({"model_type": "odd"}, 2) == 0


def tokens(free: int, need: Need, *, context: int = 1000, **options: Any) -> int:
    return cache_tokens(need, free, options=TransformersOptions.parse(options), context=context)


HOST, CARD = Need(GB, cache_per_token=1000), Need(GB, cache_per_token=1000, device="cuda")


def test_a_card_gives_the_cache_most_of_what_the_weights_leave_and_a_machine_a_quarter() -> None:
    assert tokens(10_000_000, CARD) == 9_000
    assert tokens(10_000_000, HOST) == 2_500
    assert tokens(10_000_000, HOST, kv_cache_memory=0.5) == 5_000


def test_the_cache_is_never_larger_than_what_all_requests_could_use() -> None:
    assert tokens(GB, CARD) == 64 * 1000
    assert tokens(GB, CARD, max_running=8) == 8 * 1000
    assert tokens(GB, HOST) == 4 * 1000
    assert tokens(GB, HOST, max_running=2) == 2 * 1000
    assert tokens(GB, HOST, kv_cache_memory=0.5) == 64 * 1000
    assert tokens(0, Need(GB)) == 4 * 1000  # nobody knows what a token takes


def test_one_context_is_given_even_where_it_is_more_than_the_usual_share() -> None:
    assert tokens(1_500_000, HOST) == 1000


@pytest.mark.parametrize(
    ("need", "options", "sentence"),
    [
        (HOST, {}, "cache of 1000 tokens needs 0.0 GB.* are left on this machine. Set .*'context_length' to 768 or"),
        (CARD, {"kv_cache_tokens": 999}, "'kv_cache_tokens' is 999, but one request may need 1000. Raise it, or"),
        (CARD, {"kv_cache_tokens": 2000}, "a key-value cache of 2000 tokens needs 0.0 GB.* left on the GPU"),
        (HOST, {"kv_cache_memory": 0.5}, "is 0.5, which is room for 450 tokens, but one .* 'context_length' to 450"),
    ],
)
def test_a_cache_that_cannot_hold_one_request_is_refused_with_the_numbers(
    need: Need, options: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(LoadError, match=sentence):
        tokens(900_000, need, **options)


@pytest.mark.parametrize(
    ("error", "whose"),
    [
        (RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB."), "cuda"),
        (RuntimeError("CUDA error: out of memory"), "cuda"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 4 bytes."), "cpu"),
        (OSError(12, "Cannot allocate memory"), "cpu"),
        (MemoryError(), "cpu"),
        (RuntimeError("CUDA error: device-side assert triggered"), ""),
    ],
)
def test_an_error_says_whose_memory_is_full(error: Exception, whose: str) -> None:
    assert exhausted(error) == whose


def test_this_machine_has_some_memory_free() -> None:
    assert 1 << 20 < free_bytes("cpu") < 1 << 50
