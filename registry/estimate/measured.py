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
# A launch that saw few requests has not filled its cache, and one on a busy day is no rule.
LEAST, MOST = 0.5, 2.0


@dataclass(frozen=True, slots=True)
class Peak:
    """The most that a launch that became READY has held, and its revision's snapshot."""

    bytes: int
    snapshot: Mapping[str, Any]
    kind: str = "cpu"  # of the device that it ran on


def corrected(estimate: Estimate, snapshot: Mapping[str, Any], *, facts: ModelFacts, peaks: Sequence[Peak]) -> Estimate:
    """`peaks` are of the same path and engine, newest first."""
    peaks = _comparable(snapshot, peaks)
    same = [peak.bytes for peak in peaks if peak.snapshot["options"] == snapshot["options"]][:NEWEST]
    if same:
        total = max(int(max(same) * MARGIN), int(estimate.total * LEAST))
        note = f"measured: {_launches(len(same))} with these options held up to {format_bytes(max(same))}"
        return _with(estimate, total, note=note)
    if not peaks:
        return estimate
    ratio = median(peak.bytes / from_files(peak.snapshot, facts).total for peak in peaks[:NEWEST])
    factor = min(MOST, max(LEAST, ratio))
    note = f"measured: {_launches(len(peaks[:NEWEST]))} with other options held {ratio:.0%} of what was estimated"
    return _with(estimate, int(estimate.total * factor), note=note)


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
