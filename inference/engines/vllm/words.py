"""What vLLM's log says: how far loading is, and why it ended. Read in the logs of 0.32."""

from __future__ import annotations

import re

from inference.engines.base import LoadProgress
from inference.engines.external.reasons import Language, Saying
from inference.protocol.causes import Cause

_PREFIX = re.compile(r"^(?:\(\S+ pid=\d+\) ?)?(?:[A-Z]+ \d\d-\d\d \d\d:\d\d:\d\d \[[^\]]*\] ?)?")
_SHARDS = re.compile(r"Loading .*checkpoint shards:\s+(\d+)% Completed")
# Percent of the whole start, for a small model on a CPU, where compiling takes most of it.
_PHASES = tuple(
    (re.compile(pattern), percent, detail)
    for pattern, percent, detail in (
        (r"non-default args", 5, "reading the configuration"),
        (r"Initializing a V1 LLM engine", 15, "starting the engine"),
        (r"Starting to load model", 20, "loading weights"),
        (r"Loading weights took", 40, "weights are loaded"),
        (r"Warming up model|torch\.compile|Compiling a graph", 45, "compiling"),
        (r"KV cache size", 70, "making the cache"),
        (r"Capturing CUDA graph", 75, "capturing graphs"),
        (r"init engine .* took", 90, "starting the server"),
        (r"Started server process", 95, "starting the server"),
    )
)
_WEIGHTS = (20, 40)  # percent while shards are loaded

_SAYINGS = (
    Saying(
        re.compile(r"vllm(?: serve)?: error: (.+)"),
        Cause.OPTIONS,
        "Correct the options; `vllm serve --help=all` names the arguments.",
    ),
    Saying(
        re.compile(r".*(User-specified max_model_len \(\d+\) is greater than [^.]*(?:\.\d[^.]*)*).*"),
        Cause.OPTIONS,
        "Lower context_length.",
    ),
    Saying(
        re.compile(r"(?:\w+Error: )?(.*(?:KV cache is needed, which is larger|No available memory for the cache).*)"),
        Cause.GPU_MEMORY,
        "Lower context_length, or give it more memory.",
    ),
    Saying(
        re.compile(r".*(Available memory on node .* is less than requested memory for kv [^.]*\.\d[^.]*)\..*"),
        Cause.HOST_MEMORY,
        "Lower kv_cache_bytes, or stop another model on this machine.",
    ),
    Saying(
        re.compile(r"(?:\w+Error: )?(Free memory on device .*)"),
        Cause.GPU_MEMORY,
        "Others use this card: lower gpu_memory_utilization, or take another card.",
    ),
    Saying(
        re.compile(r".*(?:--trust-remote-code|trust_remote_code=True).*"),
        Cause.REMOTE_CODE,
        "Read the Python files of the model, and set trust_remote_code if they may run.",
    ),
    # Of a model's own code; that it cannot be inspected is said after it.
    Saying(
        re.compile(r"ModuleNotFoundError: (No module named .+)"),
        Cause.NOT_INSTALLED,
        "Install it beside vLLM, in the build that goes with vLLM's torch: models that see need torchvision.",
    ),
    Saying(
        re.compile(r".*(?:Model architectures .* (?:not supported|failed)|does not recognize this architecture).*"),
        Cause.ARCHITECTURE,
        "Choose a model that this vLLM knows, install a newer one, or take the engine transformers.",
    ),
    Saying(
        re.compile(r".*Failed to infer device type.*"),
        Cause.DRIVER_MISSING,
        "This vLLM is built for GPUs and finds none: check the driver, or install vLLM's build for CPUs.",
    ),
    # pydantic's: an option that vLLM itself checks.
    Saying(re.compile(r"Value error, (.+?)(?:\s\[type=.*)?"), Cause.OPTIONS, "Correct the deployment's options."),
)


def clean(line: str) -> str:
    """A line without process, time and place in the source."""
    return _PREFIX.sub("", line.strip(), count=1).strip()


LANGUAGE = Language(
    "vLLM", _SAYINGS, clean, re.compile(r"Engine core initialization failed|EngineDeadError|Worker failed with error")
)


def progress(line: str) -> LoadProgress | None:
    """How far a line says that loading is."""
    if shards := _SHARDS.search(line):
        begin, end = _WEIGHTS
        return LoadProgress(begin + (end - begin) * int(shards[1]) // 100, "loading weights")
    return next((LoadProgress(percent, detail) for pattern, percent, detail in _PHASES if pattern.search(line)), None)
