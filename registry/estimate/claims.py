"""From a revision to its claim: reads the files where they can be seen, and the rows of earlier launches."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db.models import Exists, OuterRef

from inference.protocol.engines import engine_entry
from registry.estimate.facts import EMPTY, ModelFacts
from registry.estimate.files import read_facts
from registry.estimate.formula import Estimate, from_files, said
from registry.estimate.measured import NEWEST, Peak, corrected
from registry.modelpaths import is_hub_name, on_this_machine
from registry.models import Device, ModelFiles, Revision, Worker


def claim_for(snapshot: Mapping[str, Any]) -> Estimate:
    """What each replica of a revision claims: what the operator said, else an estimate."""
    entry = engine_entry(snapshot["engine"])
    facts = facts_of(snapshot["path"]) if entry.loads_weights else EMPTY
    estimate = from_files(snapshot, facts)
    if snapshot["memory_bytes"]:
        return said(estimate, int(snapshot["memory_bytes"]))
    if not entry.loads_weights or entry.fills_claim:
        return estimate
    peaks = peaks_of(snapshot)
    if entry.card_option:
        # On cards it was told what to take.
        peaks = [peak for peak in peaks if peak.kind == "cpu"]
    return corrected(estimate, snapshot, facts=facts, peaks=peaks)


def facts_of(path: str) -> ModelFacts:
    """As this machine sees the files, else as some node's agent does."""
    if not path:
        return EMPTY
    if place := on_this_machine(path):
        return read_facts(place)
    seen = ModelFiles.objects.filter(path=path, present=True).order_by("-observed_at").values_list("facts", flat=True)
    known = [ModelFacts.from_json(content) for content in seen[:8]]
    unknown = ModelFacts(problem="no node has downloaded it yet") if is_hub_name(path) else EMPTY
    return next((facts for facts in known if facts.readable), known[0] if known else unknown)


def peaks_of(snapshot: Mapping[str, Any]) -> list[Peak]:
    """Of launches of this path and engine that became READY, newest first."""
    alike = Revision.objects.filter(snapshot__path=snapshot["path"], snapshot__engine=snapshot["engine"])
    on_gpu = Exists(Device.objects.filter(node=OuterRef("node"), kind=Device.Kind.CUDA))
    launches = Worker.objects.filter(revision__in=alike, ready_at__isnull=False, memory_peak_bytes__gt=0)
    rows = (
        launches.annotate(on_gpu=on_gpu)
        .order_by("-id")
        .values_list("memory_peak_bytes", "revision__snapshot", "on_gpu", "requests_total")
    )
    return [Peak(peak, revision, "cuda" if gpu else "cpu", count) for peak, revision, gpu, count in rows[: 4 * NEWEST]]
