"""The estimate put right by what earlier launches of the same model held at most. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import Any

from registry.estimate.facts import ModelFacts
from registry.estimate.formula import MIB, Estimate, from_files
from registry.measures import format_bytes

NEWEST = 5  # launches that are looked at
MARGIN = 1.05  # above the highest peak
LEAST, MOST = 0.5, 2.0  # how far measurements may move the estimate, in multiples of it
BUSY = 100  # requests; a launch that saw fewer has not filled its cache and buffers, and shrinks only what the cache is


@dataclass(frozen=True, slots=True)
class Peak:
    """The most that a launch that became READY has held, and its revision's snapshot."""

    bytes: int
    snapshot: Mapping[str, Any]
    kind: str = "cpu"  # of the device that it ran on
    requests: int = 0


def corrected(estimate: Estimate, snapshot: Mapping[str, Any], *, facts: ModelFacts, peaks: Sequence[Peak]) -> Estimate:
    """`peaks` are of the same path and engine, newest first."""
    peaks = _comparable(snapshot, peaks)
    same = [peak for peak in peaks if peak.snapshot["options"] == snapshot["options"]][:NEWEST]
    if same:
        highest = max(peak.bytes for peak in same)
        total = max(int(highest * MARGIN), _floor(estimate, same))
        note = f"measured: {_launches(len(same))} with these options held up to {format_bytes(highest)}"
        return _with(estimate, total, note=note)
    if not peaks:
        return estimate
    others = peaks[:NEWEST]
    ratio = median(peak.bytes / from_files(peak.snapshot, facts).total for peak in others)
    total = max(int(estimate.total * min(MOST, ratio)), _floor(estimate, others))
    note = f"measured: {_launches(len(others))} with other options held {ratio:.0%} of what was estimated"
    return _with(estimate, total, note=note)


def _floor(estimate: Estimate, peaks: Sequence[Peak]) -> int:
    busy = any(peak.requests >= BUSY for peak in peaks)
    return int(estimate.total * LEAST) if busy else estimate.weights_bytes + estimate.overhead_bytes


def _comparable(snapshot: Mapping[str, Any], peaks: Sequence[Peak]) -> list[Peak]:
    """Those on devices of one kind: the wished one, else that of the newest launch."""
    wished = snapshot["options"].get("device", "auto")
    kind = wished if wished != "auto" or not peaks else peaks[0].kind
    return [peak for peak in peaks if peak.kind == kind]


def _with(estimate: Estimate, total: int, *, note: str) -> Estimate:
    rounded = -(-total // MIB) * MIB
    return replace(estimate, total=rounded, source="measured", notes=(*estimate.notes, note))


def _launches(count: int) -> str:
    return f"{count} earlier launch{'es' if count > 1 else ''}"
