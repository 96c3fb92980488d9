"""What `vllm serve` is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from inference.engines.external.engine import Place
from inference.engines.vllm.command import CPU_CACHE_BYTES, arguments, command, environment, visible_cards
from inference.engines.vllm.options import VllmOptions
from inference.errors import LoadError

PLACE = Place(Path("/m"), 4711, "hidden")


def told(cards: int = 0, **options: Any) -> list[str]:
    return arguments(VllmOptions.parse(options), PLACE, name="org/m", cards=cards)


def after(flag: str, words: list[str]) -> str:
    return words[words.index(flag) + 1]


def test_the_model_its_public_name_and_a_port_of_this_machine_only() -> None:
    words = told()
    assert words[:2] == ["serve", "/m"]
    assert [after(flag, words) for flag in ("--host", "--port", "--served-model-name")] == [
        "127.0.0.1",
        "4711",
        "org/m",
    ]
    assert "hidden" not in words


def test_options_become_arguments_and_extra_ones_come_last() -> None:
    words = told(
        dtype="bfloat16", context_length=2048, max_num_seqs=8, kv_cache_dtype="fp8", quantization="awq", task="embed",
        trust_remote_code=True, generation_config={"temperature": 0.5}, extra_args=["--enforce-eager"],
    )  # fmt: skip
    pairs = {"--dtype": "bfloat16", "--max-model-len": "2048", "--max-num-seqs": "8", "--kv-cache-dtype": "fp8"}
    pairs |= {"--quantization": "awq", "--runner": "pooling", "--convert": "embed"}
    assert {flag: after(flag, words) for flag in pairs} == pairs
    assert after("--override-generation-config", words) == '{"temperature":0.5}'
    assert "--trust-remote-code" in words
    assert words[-1] == "--enforce-eager"


def test_all_cards_that_it_sees_share_the_model() -> None:
    assert after("--tensor-parallel-size", told(cards=4)) == "4"
    assert after("--tensor-parallel-size", told(cards=4, tensor_parallel_size=2)) == "2"
    assert "--tensor-parallel-size" not in told(cards=1)


@pytest.mark.parametrize(
    ("cards", "options", "size"),
    [
        (0, {}, str(CPU_CACHE_BYTES)),
        (1, {}, None),
        (1, {"kv_cache_bytes": "1.5GiB"}, str(3 * 2**29)),
        (0, {"kv_cache_bytes": 1000}, "1000"),
        (0, {"gpu_memory_utilization": 0.5}, None),
        (0, {"env": {"VLLM_CPU_KVCACHE_SPACE": "4"}}, None),
    ],
)
def test_on_a_cpu_the_cache_has_a_size(cards: int, options: dict[str, Any], size: str | None) -> None:
    words = told(cards, **options)
    assert ("--kv-cache-memory-bytes" in words and after("--kv-cache-memory-bytes", words)) == (size or False)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"max_model_len": 5}, r"The engine 'vllm' has no option 'max_model_len'\. It has: .*context_length"),
        ({"extra_args": ["--port", "1"]}, r"'extra_args\[0\]' must not be --port: the worker sets it"),
        ({"extra_args": ["--x", "--api_key=1"]}, r"'extra_args\[1\]' must not be --api_key: the worker sets it"),
        ({"extra_args": ["--max-model-len=9"]}, "use the option context_length"),
        ({"env": {"1X": "y"}}, "'env' must be variables of an environment"),
        ({"kv_cache_bytes": "much"}, r"'kv_cache_bytes' must be a number of bytes, or a size such as \"4GiB\""),
        ({"kv_cache_bytes": 1, "gpu_memory_utilization": 0.5}, "cannot be combined with 'gpu_memory_utilization'"),
        ({"gpu_memory_utilization": 1.5}, "must be at most 1"),
        ({"quantization": "a b"}, "'quantization'"),
    ],
)
def test_what_cannot_be_is_refused_with_a_sentence(options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(LoadError, match=sentence):
        VllmOptions.parse(options)


def test_its_environment_is_ours_without_what_misleads_a_python_and_with_its_secret() -> None:
    options = VllmOptions.parse({"env": {"OMP_NUM_THREADS": "2", "VLLM_API_KEY": "mine"}})
    inherited = {"PYTHONPATH": "/ours", "HOME": "/root", "PATH": "/bin"}
    environ = environment(options, inherited, key="hidden", cache_dir=Path("/cache"))
    assert "PYTHONPATH" not in environ
    assert (environ["HOME"], environ["OMP_NUM_THREADS"], environ["VLLM_API_KEY"]) == ("/root", "2", "hidden")
    assert environ["VLLM_CACHE_ROOT"] == "/cache/vllm"
    assert command("/opt/v/bin/vllm", ["serve"], environ).environ["PATH"] == "/opt/v/bin:/bin"


@pytest.mark.parametrize(
    ("options", "visible", "cards"), [({}, "GPU-1,GPU-2", 2), ({}, "", 0), ({"device": "cpu"}, "0", 0), ({}, "0, ", 1)]
)
def test_cards_are_those_that_the_process_is_shown(options: dict[str, Any], visible: str, cards: int) -> None:
    assert visible_cards(VllmOptions.parse(options), {"CUDA_VISIBLE_DEVICES": visible}) == cards
