"""Workers: one row a launch, read-only."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from registry.admin import live, logs, marks, workerline, workerpage
from registry.admin.base import ReadOnlyAdmin, display
from registry.admin.filters import ChoiceFilter, DeploymentFilter, NodeFilter
from registry.models import Worker
from registry.states import ACTIVE


class LifeFilter(ChoiceFilter):
    """Running or over."""

    title = _("life")
    parameter_name = "life"
    options = {"active": _("Running or on the way"), "ended": _("Over")}

    def chosen(self, queryset: QuerySet[Any], value: str) -> QuerySet[Any]:
        return queryset.filter(state__in=ACTIVE) if value == "active" else queryset.exclude(state__in=ACTIVE)


@admin.register(Worker)
class WorkerAdmin(ReadOnlyAdmin):
    """What the reconciler, the agent and the worker itself wrote."""

    list_display = ("launch", "doing", "place", "claimed", "heartbeat", "busy", "revision_link", "why")
    list_filter = (LifeFilter, "state", NodeFilter, DeploymentFilter)
    search_fields = ("deployment__name", "launch_id", "node__name", "reason")
    search_help_text = _("Deployment, node, launch id or reason")
    first_step = _("Workers are started for you: deploy a model, and they are listed here with their logs.")
    change_form_outer_before_template = "registry/parts_top.html"
    change_form_outer_after_template = "registry/parts_bottom.html"
    fieldsets = ((None, {"fields": ()}),)

    class Media:
        css = {"all": ["registry/log.css"]}
        js = ["registry/log.js"]

    def get_urls(self) -> list[Any]:
        now = live.view(self.admin_site, workerpage.now_part)
        events = live.view(self.admin_site, workerpage.events_part)
        return [
            path("<int:worker_id>/now/", now, name="registry_worker_now"),
            path("<int:worker_id>/events/", events, name="registry_worker_events"),
            *logs.urls(self.admin_site),
            *super().get_urls(),
        ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Worker]:
        return workerline.workers_to_show(super().get_queryset(request))

    def change_view(  # noqa: PLR0917 - Django's signature
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        parts: dict[str, Any] = {}
        if object_id.isdecimal():
            worker_id = int(object_id)
            parts = {"above": workerpage.now_part(request, worker_id), "below": workerpage.below(request, worker_id)}
        return super().change_view(request, object_id, form_url, (extra_context or {}) | parts)

    @display(description=_("Worker"), ordering="deployment__name")
    def launch(self, worker: Worker) -> SafeString:
        return marks.whole(str(worker))

    @display(description=_("State"), ordering="state")
    def doing(self, worker: Worker) -> SafeString:
        return workerline.state(worker)

    @display(description=_("Node and devices"), ordering="node__name")
    def place(self, worker: Worker) -> SafeString | str:
        return workerline.place(worker)

    @display(description=_("Claimed memory"))
    def claimed(self, worker: Worker) -> str:
        return workerline.claimed(worker)

    @display(description=_("Heartbeat"), ordering="-heartbeat_at")
    def heartbeat(self, worker: Worker) -> SafeString | str:
        silence: timedelta | None = worker.silence  # type: ignore[attr-defined]  # annotated
        return marks.age(silence, live=worker.state in ACTIVE)

    @display(description=_("Work"), ordering="-tokens_per_second")
    def busy(self, worker: Worker) -> str:
        return workerline.work(worker)

    @display(description=_("Revision"), ordering="revision__number")
    def revision_link(self, worker: Worker) -> SafeString | str:
        return marks.link(worker.revision, f"r{worker.revision.number}")

    @display(description=_("Reason"), ordering="reason", empty_value=marks.NOTHING)
    def why(self, worker: Worker) -> SafeString | str:
        return marks.reason(worker.reason)
