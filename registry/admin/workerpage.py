"""The page of one worker: what became of it and what to do, where it is, its timeline and its log."""

from __future__ import annotations

from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from inference.protocol.causes import Cause
from registry.admin import live, logs, marks, workerline
from registry.exits import end_of, explain_exit
from registry.hints import hint_of
from registry.measures import format_bytes
from registry.models import Claim, Worker
from registry.states import ACTIVE, WorkerState

CAUSES = {
    Cause.GPU_MEMORY: _("Out of GPU memory"),
    Cause.HOST_MEMORY: _("Out of the machine's memory"),
    Cause.FILES_MISSING: _("Files of the model are missing"),
    Cause.FILES_CORRUPT: _("Files of the model are damaged"),
    Cause.DOWNLOAD: _("The model could not be downloaded"),
    Cause.ARCHITECTURE: _("This kind of model cannot be served"),
    Cause.REMOTE_CODE: _("The model wants to run code of its own"),
    Cause.OPTIONS: _("An option is wrong"),
    Cause.PORT_TAKEN: _("Its port is taken"),
    Cause.DRIVER_MISSING: _("The GPU's driver is missing"),
    Cause.DISK_FULL: _("The disk is full"),
    Cause.NOT_INSTALLED: _("The engine is not installed"),
    Cause.KILLED: _("Killed from outside"),
    Cause.CRASHED: _("Crashed"),
    Cause.HUNG: _("Hung"),
    Cause.TIMEOUT: _("Took too long"),
    Cause.NODE_LOST: _("Its node was lost"),
    Cause.SPAWN: _("Could not be started"),
    Cause.EXITED: _("Ended without saying why"),
}


def now_part(request: HttpRequest, worker_id: int) -> SafeString | None:
    """State, failure, place and figures of one worker."""
    worker = workerline.workers_to_show(Worker.objects.all()).filter(pk=worker_id).first()
    if worker is None or not live.may_view(request, "worker"):
        return None
    context = {
        "worker": worker,
        "line": workerline.WorkerLine.of(worker),
        "box": told(worker),
        "revision": marks.link(worker.revision, gettext("revision {number}").format(number=worker.revision.number)),
        "deployment": marks.link(worker.deployment),
        "node": marks.link(worker.node),
        "claims": _claims(worker),
        "process": process(worker),
        "exit": exit_words(worker),
        "heartbeat": marks.age(worker.silence, live=worker.state in ACTIVE),  # type: ignore[attr-defined]  # annotated
        "memory": _memory(worker),
        "times": _times(worker),
    }
    url = reverse("admin:registry_worker_now", args=[worker_id])
    return live.part("worker-now", url, template="registry/worker_now.html", context=context)


def events_part(request: HttpRequest, worker_id: int) -> SafeString | None:
    """The timeline of one worker, whole."""
    worker = Worker.objects.select_related("deployment").filter(pk=worker_id).first()
    if worker is None or not live.may_view(request, "worker"):
        return None
    context = {
        "deployment": worker.deployment,
        "events": list(worker.events.all()),
        "whole": gettext("The deployment’s timeline"),
    }
    url = reverse("admin:registry_worker_events", args=[worker_id])
    return live.part("worker-events", url, template="registry/events.html", context=context)


def below(request: HttpRequest, worker_id: int) -> SafeString | None:
    """The timeline and the log."""
    worker = Worker.objects.select_related("deployment").filter(pk=worker_id).first()
    timeline = events_part(request, worker_id)
    if worker is None or timeline is None:
        return None
    return timeline + render_to_string("registry/worker_log.html", {"worker": worker, "log": logs.panel(worker)})


def told(worker: Worker) -> SafeString | str:
    """What happened and what to do next, where there is something to tell."""
    hint = hint_of(worker)
    next_step = gettext("What to do: {hint}").format(hint=hint) if hint else ""
    if worker.state in {WorkerState.FAILED, WorkerState.LOST}:
        return marks.box(title_of(worker), worker.reason, next_step, colour="danger")
    if worker.state == WorkerState.PENDING and worker.reason:
        return marks.box(gettext("No place yet"), worker.reason, next_step, colour="warning")
    if worker.unresponsive_since is not None and worker.state in ACTIVE:
        words = gettext("Its process has answered neither the database nor its agent since {moment}.")
        said = words.format(moment=_moment(worker.unresponsive_since))
        return marks.box(gettext("It does not answer"), said, next_step, colour="warning")
    return ""


def title_of(worker: Worker) -> str:
    """The kind of failure in words."""
    known = {cause.value: words for cause, words in CAUSES.items()}
    return str(known.get(worker.cause, WorkerState(worker.state).label))


def process(worker: Worker) -> str:
    """By what the process is known: pid alone is not enough, since pids come again."""
    if not worker.pid:
        return marks.NOTHING
    words = f"pid {worker.pid}"
    if worker.process_started:
        words = gettext("{process}, started at tick {tick}").format(process=words, tick=worker.process_started)
    return gettext("{process} of boot {boot}").format(process=words, boot=worker.boot_id) if worker.boot_id else words


def exit_words(worker: Worker) -> str:
    if worker.exited_at is None:
        return ""
    return explain_exit(end_of(worker)).reason


def _claims(worker: Worker) -> SafeString | str:
    held: QuerySet[Claim] = worker.claims.all()
    lines = (
        (marks.link(claim.device), marks.product(claim.device.name), format_bytes(claim.bytes), _device_marks(claim))
        for claim in held
    )
    return format_html_join("", '<span class="yard-line">{} <small>{}</small> {} {}</span>', lines) or marks.NOTHING


def _device_marks(claim: Claim) -> SafeString:
    tags = [marks.simulated(claim.device)]
    if claim.device.quarantine:
        tags.append(marks.tag(gettext("quarantined"), "danger", claim.device.quarantine))
    return format_html_join(" ", "{}", ((tag,) for tag in tags if tag))


def _memory(worker: Worker) -> str:
    figures = ((gettext("{size} now"), worker.memory_bytes), (gettext("{size} peak"), worker.memory_peak_bytes))
    return gettext(", ").join(words.format(size=format_bytes(size)) for words, size in figures if size) or marks.NOTHING


def _times(worker: Worker) -> list[tuple[str, str]]:
    moments = (
        (gettext("Created"), worker.created_at),
        (gettext("Taken on"), worker.launching_at),
        (gettext("Ready"), worker.ready_at),
        (gettext("Process ended"), worker.exited_at),
        (gettext("Over"), worker.ended_at),
    )
    return [(name, _moment(at)) for name, at in moments if at]


def _moment(at: object) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"
