"""Options of a launch."""

from __future__ import annotations

import os
from typing import Any

import pytest

from inference.engines.transformers.options import TransformersOptions
from inference.errors import LoadError


def test_without_options_the_weights_decide_and_every_core_is_used() -> None:
    options = TransformersOptions.parse({})
    assert (options.dtype, options.device, options.trust_remote_code) == ("auto", "auto", False)
    assert options.thread_count == len(os.sched_getaffinity(0))
    assert TransformersOptions.parse({"threads": 3}).thread_count == 3


def test_an_unknown_option_is_refused_with_those_that_exist() -> None:
    with pytest.raises(LoadError, match=r"no option 'quantize'\. It has: dtype, device, trust_remote_code, context_"):
        TransformersOptions.parse({"quantize": "4bit"})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("dtype", "float8"),
        ("device", "tpu"),
        ("device", "cuda:"),
        ("trust_remote_code", "yes"),
        ("context_length", 0),
        ("threads", 1.5),
        ("max_memory_per_gpu", "much"),
        ("max_cpu_memory", 0),
        ("kv_cache_memory", 1.5),
        ("max_running", 0),
    ],
)
def test_a_value_that_cannot_be_is_refused_by_name(name: str, value: Any) -> None:
    with pytest.raises(LoadError, match=f"option of the engine 'transformers' cannot be used.*{name}"):
        TransformersOptions.parse({name: value})


@pytest.mark.parametrize(
    ("written", "size"),
    [("20GiB", 20 * 2**30), ("1.5G", 3 * 2**29), ("512 MiB", 2**29), ("8gb", 8 * 10**9), ("4096", 4096), (4096, 4096)],
)
def test_an_amount_of_memory_is_read_as_people_write_it(written: str | int, size: int) -> None:
    assert TransformersOptions.parse({"max_memory_per_gpu": written}).gpu_limit == size


@pytest.mark.parametrize("pair", [("load_in_8bit", "load_in_4bit"), ("kv_cache_tokens", "kv_cache_memory")])
def test_what_contradicts_itself_is_refused(pair: tuple[str, str]) -> None:
    with pytest.raises(LoadError, match=f"cannot be combined with '{pair[0]}'"):
        TransformersOptions.parse(dict.fromkeys(pair, 1 if "kv_cache_tokens" in pair else True))


def test_tensor_parallel_is_refused_with_a_way_out() -> None:
    with pytest.raises(LoadError, match=r"a process for each card. Leave it out, or .* engine vllm"):
        TransformersOptions.parse({"tensor_parallel": 2})
