"""What an engine that takes its memory at once is told to take."""

from __future__ import annotations

from typing import Any

import pytest

from inference.protocol.engines import ENGINES
from registry.agent.allotment import LEAST_CACHE, MOST, Claimed, allotment

GIB = 2**30
VLLM = ENGINES["vllm"]
CARD = Claimed(20 * GIB, 80 * GIB, on_card=True)
CPU = Claimed(10 * GIB, 64 * GIB, on_card=False)
ESTIMATE = {"weights_bytes": 4 * GIB, "overhead_bytes": 2 * GIB}


def told(*claims: Claimed, **options: Any) -> dict[str, Any]:
    return allotment(VLLM, options, claims=claims, estimate=ESTIMATE)


def test_of_a_card_it_is_the_claimed_share_of_the_tightest_one() -> None:
    assert told(CARD) == {"gpu_memory_utilization": 0.25}
    assert told(CARD, Claimed(20 * GIB, 96 * GIB, on_card=True)) == {"gpu_memory_utilization": 0.208}
    assert told(Claimed(80 * GIB, 80 * GIB, on_card=True)) == {"gpu_memory_utilization": MOST}


def test_on_the_cpu_it_is_what_weights_and_overhead_leave_for_the_cache() -> None:
    assert told(CPU) == {"kv_cache_bytes": 4 * GIB}
    assert told(Claimed(GIB, 64 * GIB, on_card=False)) == {"kv_cache_bytes": LEAST_CACHE}


@pytest.mark.parametrize("options", [{"gpu_memory_utilization": 0.5}, {"kv_cache_bytes": "1GiB"}])
def test_what_a_deployment_says_stays(options: dict[str, Any]) -> None:
    assert told(CARD, **options) == {}


def test_an_engine_that_counts_in_bytes_is_told_those_of_the_tightest_card() -> None:
    ours = ENGINES["transformers"]
    claims = [CARD, Claimed(19 * GIB, 24 * GIB, on_card=True)]
    assert allotment(ours, {}, claims=claims, estimate=ESTIMATE) == {"max_memory_per_gpu": 19 * GIB}
    assert allotment(ours, {"max_memory_per_gpu": "8GiB"}, claims=claims, estimate=ESTIMATE) == {}
    assert allotment(ours, {}, claims=[CPU], estimate=ESTIMATE) == {}
