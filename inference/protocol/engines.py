"""Which engines there are: a line each, for workers that load one and for the platform that offers and places them.

A new engine is a folder in `inference/engines/` and a line here. Nothing is imported before it is wanted: torch takes
seconds.
"""

from __future__ import annotations

from dataclasses import dataclass

_GIB = 2**30


@dataclass(frozen=True, slots=True)
class EngineEntry:
    """How operators see an engine, where its class is, and what the platform has to know to place it.

    `runtime_bytes` is what it takes of each device beside weights and cache. An engine that takes its memory at once
    has options to tell it how much: `share_option` (the share of each card), or `card_option` (bytes of each card), and
    `cache_option` (bytes of cache on a CPU); the platform fills them in from what a replica claims.
    """

    label: str
    target: str
    loads_weights: bool = True
    runtime_bytes: int = _GIB // 2
    share_option: str = ""
    card_option: str = ""
    cache_option: str = ""

    @property
    def fills_claim(self) -> bool:
        """Whether it takes its memory at once, so that measuring it would only repeat what it was told."""
        return bool(self.share_option)


ENGINES = {
    # Measured on the CPU for both demo models: 352 and 379 MiB beside their weights. On a GPU it stands for the CUDA
    # context with its kernels, about as large.
    "transformers": EngineEntry(
        "Transformers",
        "inference.engines.transformers.engine:TransformersEngine",
        card_option="max_memory_per_gpu",
    ),
    # Measured on the CPU with SmolLM2-135M: 2.0 GiB, in the three processes of its server.
    "vllm": EngineEntry(
        "vLLM",
        "inference.engines.vllm.engine:VllmEngine",
        runtime_bytes=2 * _GIB,
        share_option="gpu_memory_utilization",
        cache_option="kv_cache_bytes",
    ),
    "echo": EngineEntry("Echo (for tests)", "inference.engines.echo.engine:EchoEngine", loads_weights=False),
}
DEFAULT_ENGINE = "transformers"


def engine_entry(name: str | None) -> EngineEntry:
    """The line of an engine; of the default one for no name, and for one that another release knew."""
    return ENGINES.get(name or DEFAULT_ENGINE, ENGINES[DEFAULT_ENGINE])
