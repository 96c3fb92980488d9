"""Workers: one row a launch, read-only."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from registry import logs
from registry.admin import marks, workerline
from registry.admin.base import ReadOnlyAdmin, display
from registry.measures import format_bytes
from registry.models import Worker
from registry.states import ACTIVE

LOG_LINES = 200


class LifeFilter(admin.SimpleListFilter):
    """Running or over."""

    title = "life"
    parameter_name = "life"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("active", "Running or on the way"), ("ended", "Over")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Worker]) -> QuerySet[Worker]:
        if self.value() == "active":
            return queryset.filter(state__in=ACTIVE)
        return queryset.exclude(state__in=ACTIVE) if self.value() == "ended" else queryset


@admin.register(Worker)
class WorkerAdmin(ReadOnlyAdmin):
    """What the reconciler, the agent and the worker itself wrote."""

    list_display = ("launch", "doing", "place", "claimed", "heartbeat", "busy", "revision_link", "why")
    list_filter = (LifeFilter, "state", "node", "deployment")
    search_fields = ("deployment__name", "launch_id", "node__name", "reason")
    search_help_text = "Deployment, node, launch id or reason"
    fieldsets = (
        (None, {"fields": (("doing", "heartbeat"), "why", "belongs", "times")}),
        ("Place", {"fields": (("place", "claimed"), ("process", "address"), ("memory_now", "memory_peak"))}),
        ("Work", {"fields": (("busy", "requests_total", "tokens_total"), ("capabilities", "context_length"))}),
        ("Log", {"fields": ("launch_id", "log")}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Worker]:
        return workerline.workers_to_show(super().get_queryset(request))

    @display(description="Worker", ordering="deployment__name")
    def launch(self, worker: Worker) -> SafeString:
        return marks.whole(str(worker))

    @display(description="State", ordering="state")
    def doing(self, worker: Worker) -> SafeString:
        return workerline.state(worker)

    @display(description="Node and devices", ordering="node__name")
    def place(self, worker: Worker) -> str:
        return workerline.place(worker)

    @display(description="Claimed memory")
    def claimed(self, worker: Worker) -> str:
        return workerline.claimed(worker)

    @display(description="Heartbeat", ordering="-heartbeat_at")
    def heartbeat(self, worker: Worker) -> SafeString | str:
        silence: timedelta | None = worker.silence  # type: ignore[attr-defined]  # annotated
        return marks.age(silence, live=worker.state in ACTIVE)

    @display(description="Work", ordering="-tokens_per_second")
    def busy(self, worker: Worker) -> str:
        return workerline.work(worker)

    @display(description="Revision", ordering="revision__number")
    def revision_link(self, worker: Worker) -> SafeString | str:
        return marks.link(worker.revision, f"r{worker.revision.number}")

    @display(description="Reason", ordering="reason", empty_value=marks.NOTHING)
    def why(self, worker: Worker) -> SafeString | str:
        return marks.reason(worker.reason)

    @display(description="Replica")
    def belongs(self, worker: Worker) -> SafeString:
        revision = marks.link(worker.revision, f"revision {worker.revision.number}")
        return format_html("{} of {}, {}", worker.replica, marks.link(worker.deployment), revision)

    @display(description="Times")
    def times(self, worker: Worker) -> SafeString:
        moments = (
            ("created", worker.created_at),
            ("taken on", worker.launching_at),
            ("ready", worker.ready_at),
            ("process ended", worker.exited_at),
            ("over", worker.ended_at),
        )
        return format_html_join(" · ", "{} {}", ((name, f"{at:%Y-%m-%d %H:%M:%S} UTC") for name, at in moments if at))

    @display(description="Process")
    def process(self, worker: Worker) -> str:
        if worker.exited_at is not None:
            code = "not known" if worker.exit_code is None else str(worker.exit_code)
            return f"pid {worker.pid or 'not known'}, ended, exit code {code}"
        return f"pid {worker.pid}" if worker.pid else marks.NOTHING

    @display(description="Memory now")
    def memory_now(self, worker: Worker) -> str:
        return format_bytes(worker.memory_bytes) if worker.memory_bytes else marks.NOTHING

    @display(description="Memory peak")
    def memory_peak(self, worker: Worker) -> str:
        return format_bytes(worker.memory_peak_bytes) if worker.memory_peak_bytes else marks.NOTHING

    @display(description="Last lines")
    def log(self, worker: Worker) -> SafeString | str:
        text = logs.last_lines(worker, LOG_LINES, end=logs.size(worker))
        return marks.log(text) if text else "None here. From another machine they come when the process ends."
