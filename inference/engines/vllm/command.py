"""From options to `vllm serve` and its environment. Pure, but for looking at what cards there are."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import orjson

from inference.engines.external.engine import Command, Place
from inference.engines.vllm.options import VllmOptions

# On the CPU vLLM would take nearly all of the machine's memory for its cache.
CPU_CACHE_BYTES = 2 * 2**30
_CPU_CACHE_VARIABLE = "VLLM_CPU_KVCACHE_SPACE"
_RUNNERS = {"generate": ("--runner", "generate"), "embed": ("--runner", "pooling", "--convert", "embed")}
# Of our own environment these would make another Python look for its packages in ours.
_WITHHELD = frozenset({"PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV"})
# The host of an image's URL is one that the operator trusts; where it sends us on to need not be.
_ALWAYS = {"VLLM_MEDIA_URL_ALLOW_REDIRECTS": "0", "VLLM_NO_USAGE_STATS": "1", "DO_NOT_TRACK": "1"}


def arguments(options: VllmOptions, place: Place, *, name: str, cards: int) -> list[str]:
    """What follows the executable; `cards` are those that the process sees. No secrets."""
    return [
        *("serve", str(place.model)),
        *("--host", "127.0.0.1", "--port", str(place.port)),
        *("--served-model-name", name),
        # Health and counters are asked for once a second.
        "--disable-uvicorn-access-log",
        # Without it nobody hears how much of a prompt was still known.
        "--enable-prompt-tokens-details",
        *_model(options),
        *_memory(options, cards),
        *options.extra_args,
    ]


def environment(options: VllmOptions, inherited: Mapping[str, str], *, key: str, cache_dir: Path) -> dict[str, str]:
    """What vLLM finds in its environment: ours, the option's, and on top what keeps it private."""
    own = {name: value for name, value in inherited.items() if name not in _WITHHELD}
    own.setdefault("VLLM_CACHE_ROOT", str(cache_dir / "vllm"))
    return own | options.env | {"VLLM_API_KEY": key, **_ALWAYS}


def command(executable: str, argv: list[str], environ: dict[str, str]) -> Command:
    """Its own folder comes first in PATH: vLLM calls tools of its installation by name."""
    folders = [str(Path(executable).parent), environ.get("PATH", "")]
    return Command((executable, *argv), environ | {"PATH": ":".join(filter(None, folders))})


def visible_cards(options: VllmOptions, environ: Mapping[str, str]) -> int:
    """How many GPUs the process sees: those that it is given, else all that the machine has."""
    if options.device == "cpu":
        return 0
    given = environ.get("CUDA_VISIBLE_DEVICES")
    if given is None:
        return len(list(Path("/dev").glob("nvidia[0-9]*")))
    return len([card for card in given.split(",") if card.strip()])


def _model(options: VllmOptions) -> list[str]:
    told: list[tuple[str, object]] = [
        ("--dtype", options.dtype),
        ("--max-model-len", options.context_length),
        ("--max-num-seqs", options.max_num_seqs),
        ("--kv-cache-dtype", options.kv_cache_dtype),
        ("--quantization", options.quantization),
    ]
    if options.generation_config:
        told.append(("--override-generation-config", orjson.dumps(options.generation_config).decode()))
    flags = ["--trust-remote-code"] if options.trust_remote_code else []
    words = [word for flag, value in told if value is not None for word in (flag, str(value))]
    return [*_RUNNERS.get(options.task, ()), *words, *flags]


def _memory(options: VllmOptions, cards: int) -> list[str]:
    parallel = options.tensor_parallel_size or max(1, cards)
    words = ["--tensor-parallel-size", str(parallel)] if parallel > 1 else []
    cache = options.cache_size
    if options.gpu_memory_utilization is not None:
        return [*words, "--gpu-memory-utilization", str(options.gpu_memory_utilization)]
    if cache is None and not cards and _CPU_CACHE_VARIABLE not in options.env:
        cache = CPU_CACHE_BYTES
    return words if cache is None else [*words, "--kv-cache-memory-bytes", str(cache)]
