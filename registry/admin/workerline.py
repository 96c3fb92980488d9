"""A line about one worker, as the list, the deployment's page and the worker's own page show it."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import F, QuerySet
from django.db.models.functions import Now
from django.utils.html import format_html
from django.utils.safestring import SafeString

from registry.admin import marks
from registry.measures import format_bytes
from registry.models import Worker
from registry.states import ACTIVE, WorkerState
from registry.status import SILENT


def workers_to_show(workers: QuerySet[Worker]) -> QuerySet[Worker]:
    """With everything that a line needs, in a constant number of queries."""
    related = workers.select_related("deployment", "revision", "node").prefetch_related("claims__device__node")
    return related.annotate(silence=Now() - F("heartbeat_at")).defer("log_tail")


@dataclass(frozen=True, slots=True)
class WorkerLine:
    """Cells for a template."""

    worker: Worker
    state: SafeString
    place: str
    claimed: str
    work: str
    reason: SafeString | str

    @classmethod
    def of(cls, worker: Worker) -> WorkerLine:
        return cls(worker, state(worker), place(worker), claimed(worker), work(worker), marks.reason(worker.reason))


def state(worker: Worker) -> SafeString:
    """The badge; with the progress of a start, or a word about a worker that should beat and does not."""
    badge = marks.badge(worker.state)
    if worker.state == WorkerState.LOADING:
        words = f"{worker.progress} % {worker.detail}".strip()
        return format_html("{} <small>{}</small>{}", badge, words, marks.progress_bar(worker.progress))
    if silent(worker):
        return format_html("{} <small>no heartbeat</small>", badge)
    return badge


def silent(worker: Worker) -> bool:
    """Whether a worker of `workers_to_show` should beat and does not."""
    silence = worker.silence  # type: ignore[attr-defined]  # annotated
    return worker.state in ACTIVE and silence is not None and silence > SILENT


def place(worker: Worker) -> str:
    """The devices while it holds any, else the node."""
    devices = ", ".join(str(claim.device) for claim in worker.claims.all())
    return devices or (worker.node.name if worker.node else marks.NOTHING)


def claimed(worker: Worker) -> str:
    """Bytes a device, in words."""
    return ", ".join(format_bytes(claim.bytes) for claim in worker.claims.all()) or marks.NOTHING


def work(worker: Worker) -> str:
    if worker.state not in {WorkerState.READY, WorkerState.DRAINING}:
        return marks.NOTHING
    return f"{worker.in_flight} in flight, {worker.tokens_per_second:.0f} tokens/s"
