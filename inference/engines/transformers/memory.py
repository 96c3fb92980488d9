"""Whether a model fits, before loading it takes the machine down, and what would fit when it does not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from inference.engines.transformers.options import TransformersOptions
from inference.errors import LoadError
from inference.failure import Failure
from inference.protocol.causes import Cause
from inference.sources.files import bytes_per_value

_CGROUP = Path("/sys/fs/cgroup")
_FLOATS = frozenset({"F64", "F32", "BF16", "F16"})
_WIDTHS = {"float32": 4, "float16": 2, "bfloat16": 2}
# Bytes a value: 8 bits; 4 bits and a 32-bit scale for each block of 64.
QUANTIZED = {"load_in_8bit": 1.0, "load_in_4bit": 0.5 + 4 / 64}
# What the cache's size depends on, in a model's configuration.
SHAPE_KEYS = ("num_hidden_layers", "num_attention_heads", "num_key_value_heads", "head_dim", "hidden_size")
# A context is proposed in steps of so many tokens, and not a useless one.
_CONTEXT_STEP = 256
# Of what the weights leave free, for the cache: a card is there for the model alone, a machine is not.
_GPU_SHARE = 0.9
_CPU_SHARE = 0.25
# What a cache in the machine's memory is made for, where no option says more: so many requests of the context's length,
# or of this one. The platform estimates the same.
_CPU_CONTEXTS = 4
_CPU_LENGTH = 8192


@dataclass(frozen=True, slots=True)
class Need:
    """What a model takes, in bytes: its weights as they are loaded, and the cache for each token of a sequence.

    `tensors` are the stored weights by safetensors type, `linear` of their values are in matrices that 8 and 4 bits
    shrink. What is not known is 0 or empty. `device` is where the weights are, the first one if these are several.
    """

    weights: int
    tensors: Mapping[str, int] = field(default_factory=dict)
    cache_per_token: int = 0
    context: int = 0
    linear: int = 0
    device: str = "cpu"

    def packed(self, option: str) -> int:
        """Bytes of the weights with one of the options `QUANTIZED`; what is no linear layer keeps 16 bits."""
        values = sum(size // bytes_per_value(kind) for kind, size in self.tensors.items())
        linear = self.linear or values
        return int(linear * QUANTIZED[option]) + 2 * (values - linear)


def needed_bytes(tensor_bytes: Mapping[str, int], dtype: str) -> int:
    """Bytes of the weights once they are of `dtype` ("auto" keeps what they are)."""
    if dtype == "auto":
        return sum(tensor_bytes.values())
    return sum(
        size // bytes_per_value(kind) * _WIDTHS[dtype] if kind in _FLOATS else size
        for kind, size in tensor_bytes.items()
    )


def cache_bytes_per_token(config: Mapping[str, Any], width: int) -> int:
    """Keys and values of all layers for one token, at `width` bytes a value; 0 when the configuration does not tell."""
    heads = config.get("num_attention_heads") or 0
    kv_heads = config.get("num_key_value_heads") or heads
    head_size = config.get("head_dim") or (config.get("hidden_size") or 0) // max(1, heads)
    return int(2 * (config.get("num_hidden_layers") or 0) * kv_heads * head_size * width)


def check_fits(need: Need, free: int, device: str) -> None:
    """Raise `LoadError` when the weights alone are more than what is free."""
    if need.weights > free:
        needs, has = amount(need.weights), amount(free)
        reason = f"Not enough memory: the weights need {needs}, and {has} are free on {_place(device)}."
        raise LoadError(reason, _cause(device), hint=smaller(need, free))


def cache_tokens(need: Need, free: int, *, options: TransformersOptions, context: int) -> int:
    """The tokens that the key-value cache gets, for its whole life; never less than one `context`.

    `free` are the bytes that may be taken now that the weights are there: `loading.room_for_cache`. Raises `LoadError`
    when one context does not fit, or when the options ask for less than one, or for more than there is.
    """
    room = max(0, free)
    tokens = options.kv_cache_tokens or _tokens_in(room, need, options=options, context=context)
    if tokens < context:
        raise _too_small(tokens, options, context)
    if need.cache_per_token * tokens > room:
        raise _no_room(need, room, tokens=tokens, context=context)
    return tokens


def _tokens_in(room: int, need: Need, *, options: TransformersOptions, context: int) -> int:
    """The option's share of the room; without one a usual share, or one context where that is more."""
    share, on_cpu = options.kv_cache_memory, need.device == "cpu"
    usable = options.max_running * context
    if on_cpu and share is None:
        usable = min(_CPU_CONTEXTS, options.max_running) * min(context, _CPU_LENGTH)
    if need.cache_per_token:
        usable = min(usable, int((share or (_CPU_SHARE if on_cpu else _GPU_SHARE)) * room) // need.cache_per_token)
    return max(usable, context) if share is None else usable


def _too_small(tokens: int, options: TransformersOptions, context: int) -> LoadError:
    option, value = "kv_cache_tokens", str(options.kv_cache_tokens)
    if options.kv_cache_tokens is None:
        option, value = "kv_cache_memory", f"{options.kv_cache_memory}, which is room for {tokens} tokens"
    reason = f"The option '{option}' is {value}, but one request may need {context}."
    lower = f", or the option 'context_length' to {tokens} or less" if tokens else ""
    return LoadError(reason, Cause.OPTIONS, hint=f"Raise it{lower}.")


def _no_room(need: Need, room: int, *, tokens: int, context: int) -> LoadError:
    reason = (
        f"Not enough memory: the weights take {amount(need.weights)}, a key-value cache of {tokens} tokens needs "
        f"{amount(need.cache_per_token * tokens)}, and {amount(room)} are left on {_place(need.device)}."
    )
    fitting = room // need.cache_per_token // _CONTEXT_STEP * _CONTEXT_STEP
    option = "kv_cache_tokens" if fitting >= context else "context_length"
    lower = f"Set the option '{option}' to {fitting} or less" if fitting else "Choose a smaller model or dtype"
    return LoadError(reason, _cause(need.device), hint=f"{lower}, or stop another model.")


def ran_out(need: Need, total: int, *, device: str, sequences: int = 1) -> Failure:
    """What to say when memory ran out although the weights fit into the `total` of it, for ever so many sequences."""
    reason = f"The memory of {_place(device)} ran out: the weights take {amount(need.weights)} of {amount(total)}."
    context = context_that_fits(need, total, sequences)
    if context:
        packed = ", or set the option 'load_in_8bit'" if need.packed("load_in_8bit") < need.weights else ""
        hint = f"Lower the option 'context_length' from {need.context} to {context}{packed}."
        return Failure(reason, _cause(device), hint)
    return Failure(reason, _cause(device), smaller(need, total))


def exhausted(error: BaseException) -> str:
    """Whose memory an error says is full, "cuda" or "cpu"; empty for an error of another kind."""
    text = str(error).lower()
    if "cuda" in text and "out of memory" in text:
        return "cuda"
    return "cpu" if isinstance(error, MemoryError) or "t allocate memory" in text else ""


def context_that_fits(need: Need, total: int, sequences: int = 1) -> int:
    """The longest context, a round number, whose cache fits beside the weights; 0 when that is no advice."""
    # A tenth is for activations and for what the allocator cannot use.
    room = int(0.9 * total) - need.weights
    tokens = room // (need.cache_per_token * max(1, sequences)) if need.cache_per_token else 0
    proposed = tokens // _CONTEXT_STEP * _CONTEXT_STEP
    return proposed if 0 < proposed < need.context else 0


def smaller(need: Need, free: int) -> str:
    """The first way to need less that would be enough."""
    half = needed_bytes(need.tensors, "bfloat16")
    if 0 < half < need.weights and half <= free:
        return f"Set the option 'dtype' to bfloat16, which needs {amount(half)}, or stop another model."
    for option in QUANTIZED:
        if 0 < need.packed(option) < need.weights and need.packed(option) <= free:
            return f"Set the option '{option}', which needs about {amount(need.packed(option))}, or stop another model."
    offload = "set the option 'cpu_offload', " if need.device != "cpu" else ""
    return f"Stop another model, {offload}or choose a smaller model or dtype."


def free_bytes(device: str) -> int:
    """What could be taken now: of the GPU, or of the machine and of our control group."""
    if device != "cpu":
        import torch

        return int(torch.cuda.mem_get_info(device)[0])
    import psutil

    return min(int(psutil.virtual_memory().available), _group_room())


def total_bytes(device: str) -> int:
    """All memory of the GPU or of the machine."""
    if device != "cpu":
        import torch

        return int(torch.cuda.mem_get_info(device)[1])
    import psutil

    return int(psutil.virtual_memory().total)


def _group_room() -> int:
    """Bytes left in a container's limit, the file cache counted as free; a very large number without a limit."""
    try:
        limit = (_CGROUP / "memory.max").read_text().strip()
        used = int((_CGROUP / "memory.current").read_text())
        stat = dict(line.split() for line in (_CGROUP / "memory.stat").read_text().splitlines())
    except (OSError, ValueError):
        return 1 << 62
    cached = int(stat.get("inactive_file", 0)) + int(stat.get("active_file", 0))
    return int(limit) - used + cached if limit.isdigit() else 1 << 62


def _place(device: str) -> str:
    return "this machine" if device == "cpu" else "the GPU"


def _cause(device: str) -> Cause:
    return Cause.HOST_MEMORY if device == "cpu" else Cause.GPU_MEMORY


def amount(size: int) -> str:
    """A size as people read it."""
    return f"{size / 1e9:.1f} GB"
