"""The options of the vllm engine."""

from __future__ import annotations

import re
from typing import Any, ClassVar, Literal

from pydantic import Field, ValidationInfo, field_validator

from inference.engines.external.options import ExternalOptions
from inference.protocol.problems import problem

_SIZE = re.compile(r"(\d{1,9}(?:\.\d{1,6})?) ?([KMGT])iB")
_POWERS = {"K": 1, "M": 2, "G": 3, "T": 4}
_OURS = "the worker sets it"
_WORD = r"^[A-Za-z0-9_]+$"


class VllmOptions(ExternalOptions):
    """What `vllm serve` is told beside the model; None leaves it to vLLM.

    `device` says where the deployment is placed; what is computed on is what the installed vLLM is built for. `task`
    embed makes vectors with a model that could also generate. `tensor_parallel_size` None is every card that this
    process sees. Memory: `gpu_memory_utilization` is the share of each card that vLLM takes, or instead of it
    `kv_cache_bytes` the size of the key-value cache, in bytes or such as "4GiB".
    """

    engine = "vllm"
    refused: ClassVar = {
        **dict.fromkeys(("--host", "--port", "--uds", "--model", "--served-model-name", "--root-path"), _OURS),
        **dict.fromkeys(("--api-key", "--ssl-keyfile", "--ssl-certfile", "--api-server-count", "--headless"), _OURS),
        **dict.fromkeys(("--disable-fastapi-docs", "--config"), "the worker would not know what it serves"),
        "--max-model-len": "use the option context_length",
        "--dtype": "use the option dtype",
        "--trust-remote-code": "use the option trust_remote_code",
        "--chat-template": "use the option chat_template",
        "--gpu-memory-utilization": "use the option gpu_memory_utilization",
        "--kv-cache-memory-bytes": "use the option kv_cache_bytes",
        "--tensor-parallel-size": "use the option tensor_parallel_size",
        "-tp": "use the option tensor_parallel_size",
    }

    device: Literal["auto", "cpu", "cuda"] = "auto"
    dtype: Literal["auto", "float32", "float16", "bfloat16"] = "auto"
    task: Literal["auto", "generate", "embed"] = "auto"
    context_length: int | None = Field(None, ge=1)
    max_num_seqs: int | None = Field(None, ge=1, le=65536)
    tensor_parallel_size: int | None = Field(None, ge=1, le=64)
    gpu_memory_utilization: float | None = Field(None, gt=0, le=1)
    kv_cache_bytes: int | str | None = None
    kv_cache_dtype: str | None = Field(None, pattern=_WORD)
    quantization: str | None = Field(None, pattern=_WORD)
    trust_remote_code: bool = False
    chat_template: str | None = Field(None, min_length=1)
    generation_config: dict[str, Any] = Field(default_factory=dict)

    @field_validator("kv_cache_bytes")
    @classmethod
    def _a_size(cls, value: int | str | None, info: ValidationInfo) -> int | None:
        if value is None:
            return None
        if info.data.get("gpu_memory_utilization") is not None:
            raise problem("cannot be combined with 'gpu_memory_utilization': say once how much memory there is")
        match = _SIZE.fullmatch(str(value))
        size = int(float(match[1]) * 1024 ** _POWERS[match[2]]) if match else value
        if not isinstance(size, int) or size < 1:
            raise problem('must be a number of bytes, or a size such as "4GiB"')
        return size

    @property
    def cache_size(self) -> int | None:
        """Bytes, where the option says some."""
        return None if self.kv_cache_bytes is None else int(self.kv_cache_bytes)
