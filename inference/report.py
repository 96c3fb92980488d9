"""The worker's report: what a heartbeat says and /stats shows."""

from __future__ import annotations

from inference import memory
from inference.engines.base import HeldMemory
from inference.protocol.beat import Report
from inference.service import Service


def compose(service: Service) -> Report:
    """The state of things now. On the event loop, since it asks the engine."""
    phase, stats = service.lifecycle.phase, service.engine_stats()
    held = _held(service)
    report = Report(
        state=phase.state,
        progress=phase.progress,
        detail=phase.detail,
        in_flight=service.traffic.in_flight,
        requests_total=service.traffic.requests_total,
        tokens_total=stats.tokens_total,
        tokens_per_second=round(stats.tokens_per_second, 2),
        stalled_s=round(stats.stalled_s, 1),
        memory_bytes=held.bytes,
        memory_peak_bytes=held.peak_bytes,
    )
    _add_known(report, service)
    return report


def _held(service: Service) -> HeldMemory:
    outside = None if service.loaded is None else service.loaded.held_outside()
    return HeldMemory(memory.held_bytes(), memory.peak_bytes()) if outside is None else outside


def _add_known(report: Report, service: Service) -> None:
    """What is not known from the start is left out until it is, so that nothing overwrites with less."""
    if service.address:
        report["address"] = service.address
    if failure := service.lifecycle.phase.failure:
        report["reason"], report["cause"], report["hint"] = failure.reason, failure.cause, failure.hint
    if service.loaded is not None:
        report["capabilities"] = sorted(service.loaded.capabilities)
        report["context_length"] = service.loaded.context_length
        if service.loaded.max_running is not None:
            report["capacity"] = service.loaded.max_running
