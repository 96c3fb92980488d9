"""vLLM's counters. https://docs.vllm.ai/en/latest/usage/metrics/"""

from __future__ import annotations

from collections.abc import Mapping

from inference.engines.external.meter import Numbers
from inference.engines.external.prometheus import parse

_STEPS = ("vllm:iteration_tokens_total_count", "vllm:generation_tokens_total", "vllm:prompt_tokens_total")


def numbers(text: str) -> Numbers:
    """What /metrics says, of all engines of the server together."""
    scrape = parse(text)
    cache = _cache_tokens(scrape.labels.get("vllm:cache_config_info", {}))
    return Numbers(
        running=scrape.count("vllm:num_requests_running"),
        waiting=scrape.count("vllm:num_requests_waiting"),
        tokens_total=scrape.count("vllm:generation_tokens_total"),
        steps=sum(scrape.values.get(name, 0.0) for name in _STEPS),
        preempted_total=scrape.count("vllm:num_preemptions_total"),
        cache_tokens=cache,
        cache_used_tokens=round(cache * scrape.values.get("vllm:kv_cache_usage_perc", 0.0)),
        prefix_hit_tokens=scrape.count("vllm:prefix_cache_hits_total"),
    )


def _cache_tokens(config: Mapping[str, str]) -> int:
    """Newer versions say it; else blocks times their size."""
    said = config.get("kv_cache_size_tokens", "")
    if said.isdecimal():
        return int(said)
    blocks, size = config.get("num_gpu_blocks", ""), config.get("block_size", "")
    return int(blocks) * int(size) if blocks.isdecimal() and size.isdecimal() else 0
