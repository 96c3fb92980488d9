"""The options of the transformers engine, checked strictly."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Literal, Self

from pydantic import Field, ValidationInfo, field_validator

from inference.engines.options import EngineOptions
from inference.errors import LoadError
from inference.protocol.causes import Cause
from inference.protocol.problems import problem

_DEVICE = re.compile(r"auto|cpu|cuda(:\d{1,3})?")
_SIZE = re.compile(r"\s*(\d{1,12}(?:\.\d{1,6})?)\s*([KMGT]?)(I?)B?\s*", re.IGNORECASE)
_POWERS = {"": 0, "K": 1, "M": 2, "G": 3, "T": 4}
# Said by name, since other programs have this option and somebody may bring it along.
_NO_TENSOR_PARALLEL = (
    "The engine 'transformers' is one process, which spreads a model over its cards layer by layer; the option "
    "'tensor_parallel' would need a process for each card."
)


class TransformersOptions(EngineOptions):
    """How a model is loaded and run.

    Weights: `trust_remote_code` lets Python code in the model's own folder run. `dtype` auto is what the weights are.
    `load_in_8bit` (LLM.int8) and `load_in_4bit` (nf4) shrink the linear layers while they are loaded.

    Where: `device` auto is every CUDA device that the process sees, else the CPU; "cuda:1" is one of them.
    `max_memory_per_gpu` and `max_cpu_memory` limit what weights and cache take together, such as "20GiB".
    `cpu_offload` keeps the layers that the cards cannot hold in the machine's memory. `threads` None is every core that
    this process may run on.

    Requests: `context_length` may only be lower than the model's own. The key-value cache has a fixed size, either
    `kv_cache_tokens` or the share `kv_cache_memory` of what the weights leave free. At most `max_running` requests are
    computed together, and `max_queue` wait. `prefix_cache` keeps what prompts begin with for the next one that begins
    alike. `compile` builds faster kernels for this machine where they are known. A batch of embeddings has at most
    `embedding_batch_texts` and `embedding_batch_tokens`; None is what suits the device.

    Text: `chat_template` is the text of a template that replaces the tokenizer's. `generation_config` replaces values
    of the model's own generation_config.json, such as {"temperature": 0.2}. `tool_format` is how the model writes calls
    of tools, where its template does not show it.
    """

    engine = "transformers"

    dtype: Literal["auto", "float32", "float16", "bfloat16"] = "auto"
    device: str = "auto"
    trust_remote_code: bool = False
    context_length: int | None = Field(None, ge=1)
    threads: int | None = Field(None, ge=1, le=1024)
    chat_template: str | None = Field(None, min_length=1)
    tool_format: Literal["hermes", "llama3"] | None = None
    generation_config: dict[str, Any] = Field(default_factory=dict)
    load_in_8bit: bool = False
    load_in_4bit: bool = False
    max_memory_per_gpu: str | int | None = None
    max_cpu_memory: str | int | None = None
    cpu_offload: bool = False
    kv_cache_tokens: int | None = Field(None, ge=1)
    kv_cache_memory: float | None = Field(None, gt=0, le=1)
    max_running: int = Field(64, ge=1, le=4096)
    max_queue: int = Field(256, ge=0)
    prefix_cache: bool = True
    compile: bool = True
    embedding_batch_texts: int | None = Field(None, ge=1)
    embedding_batch_tokens: int | None = Field(None, ge=1)

    @classmethod
    def parse(cls, raw: Mapping[str, Any]) -> Self:
        """See `EngineOptions.parse`."""
        if raw.get("tensor_parallel"):
            hint = "Leave it out, or serve the model with the engine vllm."
            raise LoadError(_NO_TENSOR_PARALLEL, Cause.OPTIONS, hint=hint)
        return super().parse(raw)

    @field_validator("device")
    @classmethod
    def _a_device(cls, value: str) -> str:
        if not _DEVICE.fullmatch(value):
            raise problem("must be auto, cpu, cuda, or one card such as cuda:0")
        return value

    @field_validator("max_memory_per_gpu", "max_cpu_memory")
    @classmethod
    def _a_size(cls, value: str | int | None) -> int | None:
        return None if value is None else size_in_bytes(value)

    @field_validator("load_in_4bit")
    @classmethod
    def _one_of_both(cls, value: bool, info: ValidationInfo) -> bool:
        if value and info.data.get("load_in_8bit"):
            raise problem("cannot be combined with 'load_in_8bit': choose one of them")
        return value

    @field_validator("kv_cache_memory")
    @classmethod
    def _one_size(cls, value: float | None, info: ValidationInfo) -> float | None:
        if value is not None and info.data.get("kv_cache_tokens") is not None:
            raise problem("cannot be combined with 'kv_cache_tokens': say the size once")
        return value

    @property
    def thread_count(self) -> int:
        """Threads for the matrix kernels."""
        return self.threads or len(os.sched_getaffinity(0))

    @property
    def gpu_limit(self) -> int | None:
        """Bytes that weights and cache may take of each card; None: all that is free."""
        return None if self.max_memory_per_gpu is None else int(self.max_memory_per_gpu)

    @property
    def cpu_limit(self) -> int | None:
        """The same of the machine's memory."""
        return None if self.max_cpu_memory is None else int(self.max_cpu_memory)

    @property
    def quantized(self) -> bool:
        """Whether linear layers are shrunk while they are loaded."""
        return self.load_in_8bit or self.load_in_4bit


def size_in_bytes(written: str | int) -> int:
    """ "20GiB", "512 MiB", "8G" (binary as well), "8GB" (decimal) or plain bytes."""
    match = _SIZE.fullmatch(str(written))
    size = 0
    if match is not None:
        number, prefix, binary = match[1], match[2].upper(), match[3]
        decimal = str(written).strip().upper().endswith("B") and not binary
        size = int(Decimal(number) * (1000 if decimal else 1024) ** _POWERS[prefix])
    if size < 1:
        raise problem("must be an amount of memory, such as 20GiB")
    return size
