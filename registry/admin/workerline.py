"""A line about one worker, as the list, the pages of its deployment and node, and its own page show it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from django.db.models import F, Prefetch, QuerySet
from django.db.models.functions import Now
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext

from registry.admin import marks
from registry.measures import format_bytes
from registry.models import Claim, Device, Worker
from registry.states import ACTIVE, WorkerState
from registry.status import SILENT

FAR = ("log_tail", "deployment__options", "revision__snapshot", "revision__estimate")  # long, and not in a line


def workers_to_show(workers: QuerySet[Worker]) -> QuerySet[Worker]:
    """With everything that a line needs, in a constant number of queries."""
    claims = Prefetch("claims", Claim.objects.select_related("device__node").order_by("pk"))
    successors = Prefetch("successors", Worker.objects.only("pk", "launch_id", "replaces_id", "state"))
    related = workers.select_related("deployment", "revision", "node").prefetch_related(claims, successors, "replaces")
    return related.annotate(silence=Now() - F("heartbeat_at")).defer(*FAR)


@dataclass(frozen=True, slots=True)
class WorkerLine:
    """Cells for a template."""

    worker: Worker
    state: SafeString
    place: SafeString | str
    claimed: str
    work: str
    reason: SafeString | str
    kin: SafeString

    @classmethod
    def of(cls, worker: Worker) -> WorkerLine:
        return cls(
            worker=worker,
            state=state(worker),
            place=place(worker),
            claimed=claimed(worker),
            work=work(worker),
            reason=marks.reason(worker.reason),
            kin=kin(worker),
        )


def state(worker: Worker) -> SafeString:
    """The badge; with the progress of a start, or a word about a worker that should beat and does not."""
    badge = marks.badge(worker.state)
    if worker.state == WorkerState.LOADING:
        words = f"{worker.progress} % {worker.detail}".strip()
        return format_html("{} <small>{}</small>{}", badge, words, marks.progress_bar(worker.progress))
    if silent(worker):
        return format_html("{} <small>{}</small>", badge, gettext("no heartbeat"))
    return badge


def silent(worker: Worker) -> bool:
    """Whether a worker of `workers_to_show` should beat and does not."""
    silence = worker.silence  # type: ignore[attr-defined]  # annotated
    return worker.state in ACTIVE and silence is not None and silence > SILENT


def place(worker: Worker) -> SafeString | str:
    """The devices while it holds any, else the node; and whether these are simulated or in quarantine."""
    held = [claim.device for claim in worker.claims.all()]
    words = _devices(held) or (worker.node.name if worker.node else marks.NOTHING)
    marked = held[0] if held else worker.node
    tags = [marks.simulated(marked)] if marked else []
    if any(device.quarantine for device in held):
        tags.append(marks.tag(gettext("quarantined"), "danger"))
    return format_html("{} {}", words, format_html_join(" ", "{}", ((tag,) for tag in tags if tag)))


def _devices(held: list[Device]) -> str:
    """`node-a:2,3`, as operators name them."""
    by_node: defaultdict[str, list[str]] = defaultdict(list)
    for device in held:
        by_node[device.node.name].append(str(device.index))
    return ", ".join(f"{node}:{','.join(indices)}" for node, indices in by_node.items())


def kin(worker: Worker) -> SafeString:
    """Whom it takes over from, and who takes over from it."""
    return format_html_join("", '<span class="yard-line">{} {}</span>', _kin(worker))


def _kin(worker: Worker) -> Iterator[tuple[str, SafeString | str]]:
    if worker.replaces is not None:
        words = gettext("takes over from") if worker.state in ACTIVE else gettext("followed")
        yield words, marks.link(worker.replaces, launch(worker.replaces))
    for successor in worker.successors.all():
        if worker.state in ACTIVE and successor.state not in ACTIVE:
            continue  # it ended before it could take over
        until = gettext("serves until the next is ready:")
        yield until if worker.state in ACTIVE else gettext("followed by"), marks.link(successor, launch(successor))


def launch(worker: Worker) -> str:
    """The first letters of the launch id, as lists show it."""
    return str(worker.launch_id)[:8]


def claimed(worker: Worker) -> str:
    """Bytes a device, in words."""
    sizes = Counter(format_bytes(claim.bytes) for claim in worker.claims.all())
    return ", ".join(f"{count} × {size}" if count > 1 else size for size, count in sizes.items()) or marks.NOTHING


def work(worker: Worker) -> str:
    if worker.state not in {WorkerState.READY, WorkerState.DRAINING}:
        return marks.NOTHING
    if not worker.in_flight:
        return gettext("idle")
    busy = gettext("{count} in flight, {speed} tokens/s")
    return busy.format(count=worker.in_flight, speed=f"{worker.tokens_per_second:.0f}")
