"""Whether weights fit."""

from __future__ import annotations

import pytest

from inference.engines.transformers.memory import (
    Need,
    cache_bytes_per_token,
    check_fits,
    exhausted,
    free_bytes,
    needed_bytes,
    ran_out,
)
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
        (16, 10, "Use a version of the model in 8 bit, about 8.0 GB, or stop another model."),
        (16, 5, "Stop another model, or choose a smaller model or dtype."),
    ],
)
def test_the_advice_is_the_first_that_would_be_enough(weights: int, free: int, advice: str) -> None:
    need = Need(weights * GB, {"F32": 32 * GB})
    with pytest.raises(LoadError) as failed:
        check_fits(need, free * GB, "cuda")
    assert (failed.value.failure.cause, failed.value.failure.hint) == (Cause.GPU_MEMORY, advice)


def test_memory_that_ran_out_later_is_met_with_a_context_that_fits() -> None:
    need = Need(16 * GB, {"BF16": 16 * GB}, cache_per_token=131_072, context=131_072)
    assert ran_out(need, 24 * GB, device="cuda") == Failure(
        "The memory of the GPU ran out: the weights take 16.0 GB of 24.0 GB.",
        Cause.GPU_MEMORY,
        "Lower the option 'context_length' from 131072 to 42496, or use the model in 8 bit.",
    )
    assert "from 131072 to 5120," in ran_out(need, 24 * GB, device="cuda", sequences=8).hint


def test_a_context_that_fits_anyway_is_no_advice() -> None:
    need = Need(16 * GB, {"BF16": 16 * GB}, cache_per_token=131_072, context=4096)
    assert ran_out(need, 24 * GB, device="cuda").hint == (
        "Use a version of the model in 8 bit, about 8.0 GB, or stop another model."
    )


def test_the_cache_of_a_token_follows_the_heads_that_keep_keys_and_values() -> None:
    llama = {"num_hidden_layers": 32, "num_attention_heads": 32, "num_key_value_heads": 8, "hidden_size": 4096}
    assert cache_bytes_per_token(llama, 2) == 131_072
    assert cache_bytes_per_token({"model_type": "odd"}, 2) == 0


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
