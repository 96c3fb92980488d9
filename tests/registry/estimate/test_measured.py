"""The estimate against what earlier launches held."""

from __future__ import annotations

from typing import Any

from registry.estimate.facts import ModelFacts
from registry.estimate.formula import GIB, MIB, from_files
from registry.estimate.measured import BUSY, Peak, corrected

# The cache of 8 requests is as large as the weights.
FACTS = ModelFacts(weights={"BF16": 10 * GIB}, dtype="BF16", kv_values=2**20, context=640)


def snapshot(**options: Any) -> dict[str, Any]:
    return {"engine": "transformers", "options": options}


def claim(peaks: list[Peak], **options: Any) -> int:
    estimate = from_files(snapshot(**options), FACTS)
    return corrected(estimate, snapshot(**options), facts=FACTS, peaks=peaks).total


def up_to_mib(size: float) -> int:
    return -(-int(size) // MIB) * MIB


def test_launches_with_the_same_options_say_it_best() -> None:
    peaks = [Peak(12 * GIB, snapshot()), Peak(15 * GIB, snapshot()), Peak(99 * GIB, snapshot(dtype="float32"))]
    assert claim(peaks) == up_to_mib(15 * GIB * 1.05)


def test_only_the_newest_launches_count() -> None:
    assert claim([Peak(12 * GIB, snapshot())] * 5 + [Peak(70 * GIB, snapshot())]) == up_to_mib(12 * GIB * 1.05)


def test_a_launch_that_did_little_shrinks_only_the_part_of_the_cache() -> None:
    own = from_files(snapshot(), FACTS)
    assert claim([Peak(1 * GIB, snapshot())]) == up_to_mib(own.weights_bytes + own.overhead_bytes)
    assert claim([Peak(1 * GIB, snapshot(), requests=BUSY)]) == up_to_mib(own.total / 2)
    assert claim([Peak(12 * GIB, snapshot(), requests=BUSY)]) == up_to_mib(12 * GIB * 1.05)


def test_launches_with_other_options_scale_the_estimate_within_bounds() -> None:
    other, own = snapshot(dtype="float32"), from_files(snapshot(), FACTS).total
    estimated = from_files(other, FACTS).total
    assert claim([Peak(int(estimated * 1.2), other)]) == up_to_mib(own * int(estimated * 1.2) / estimated)
    assert claim([Peak(estimated * 9, other)]) == up_to_mib(2 * own)
    assert claim([Peak(1, other, requests=BUSY)]) == up_to_mib(own / 2)


def test_what_a_cpu_held_says_nothing_of_a_gpu() -> None:
    on_cpu = Peak(15 * GIB, snapshot(device="cuda"), "cpu")
    assert claim([on_cpu], device="cuda") == from_files(snapshot(), FACTS).total
    assert claim([Peak(12 * GIB, snapshot(), "cuda"), Peak(19 * GIB, snapshot(), "cpu")]) == up_to_mib(12.6 * GIB)


def test_without_launches_the_files_stand() -> None:
    assert claim([]) == from_files(snapshot(), FACTS).total
