"""Deployments: what operators edit, with what runs of it on the same page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.db.models import Model as Row
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import path, reverse
from django.utils.safestring import SafeString
from unfold.views import ChangeList

from registry import desired, overview
from registry.admin import live, marks
from registry.admin.base import actor, display
from registry.admin.dashboard import overview_part
from registry.admin.forms import DeploymentForm
from registry.admin.orders import OrdersAdmin
from registry.admin.workerline import WorkerLine, workers_to_show
from registry.measures import exact_bytes
from registry.models import Deployment

NEWEST_EVENTS = 20


class DeploymentList(ChangeList):  # type: ignore[misc]  # unfold has no types
    """A page of deployments, each with its status."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        found = overview.statuses(self.result_list)
        for deployment in self.result_list:
            deployment.status = found[deployment.pk]


@admin.register(Deployment)
class DeploymentAdmin(OrdersAdmin):
    """Everything that is saved here goes through `desired`."""

    form = DeploymentForm
    list_display = ("name", "doing", "model_link", "replicas", "engine", "memory_claimed")
    list_select_related = ("model",)
    list_filter = ("engine", "paused")
    search_fields = ("name", "model__name")
    add_fieldsets = (
        (None, {"fields": ("name", "model", "replicas", "engine", "paused")}),
        ("Details", {"fields": ("options", "memory", "restart_budget")}),
    )
    fieldsets = ((None, {"fields": ("model", ("replicas", "engine"), "options", ("memory", "restart_budget"))}),)
    change_form_outer_before_template = "registry/parts_top.html"
    change_form_outer_after_template = "registry/parts_bottom.html"

    def get_urls(self) -> list[Any]:
        now = live.view(self.admin_site, now_part)
        events = live.view(self.admin_site, events_part)
        return [
            path("overview/", live.view(self.admin_site, overview_part), name="registry_overview"),
            path("<int:deployment_id>/now/", now, name="registry_deployment_now"),
            path("<int:deployment_id>/events/", events, name="registry_deployment_events"),
            *super().get_urls(),
        ]

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[DeploymentList]:
        return DeploymentList

    def get_readonly_fields(self, request: HttpRequest, obj: Row | None = None) -> Sequence[str]:
        return () if obj is None or self.has_change_permission(request, obj) else ("memory_claimed",)

    def get_fieldsets(self, request: HttpRequest, obj: Row | None = None) -> Any:
        if obj is None or self.has_change_permission(request, obj):
            return super().get_fieldsets(request, obj)
        return ((None, {"fields": ("model", ("replicas", "engine"), "options", ("memory_claimed", "restart_budget"))}),)

    @display(description="State")
    def doing(self, deployment: Deployment) -> SafeString:
        return marks.state(deployment.status)  # type: ignore[attr-defined]  # set by the list

    @display(description="Model", ordering="model__name")
    def model_link(self, deployment: Deployment) -> SafeString | str:
        return marks.link(deployment.model)

    @display(description="Memory per replica", ordering="memory_bytes")
    def memory_claimed(self, deployment: Deployment) -> str:
        return exact_bytes(deployment.memory_bytes) if deployment.memory_bytes else "estimated"

    def change_view(  # noqa: PLR0917 - Django's signature
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        parts = {}
        if object_id.isdecimal() and request.method == "GET":
            deployment_id = int(object_id)
            parts = {"above": now_part(request, deployment_id), "below": events_part(request, deployment_id)}
        response: HttpResponse = super().change_view(request, object_id, form_url, (extra_context or {}) | parts)
        return response

    def save_model(self, request: HttpRequest, obj: Deployment, form: DeploymentForm, change: bool) -> None:  # noqa: PLR0917 - Django's signature
        if form.has_changed() or not change:
            desired.save(obj, actor=actor(request), reason="edit" if change else "create")

    def delete_model(self, request: HttpRequest, obj: Deployment) -> None:
        desired.delete(obj, actor=actor(request))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Deployment]) -> None:
        for deployment in queryset:
            desired.delete(deployment, actor=actor(request))

    def get_deleted_objects(
        self, objs: Any, request: HttpRequest
    ) -> tuple[list[str], dict[str, int], set[str], list[str]]:
        """The deployments alone: what goes with them is history, for which nobody has a permission to delete."""
        names = [f"{deployment}, with its revisions and the rows of its workers" for deployment in objs]
        return names, {"deployments": len(names)}, set(), []


def now_part(request: HttpRequest, deployment_id: int) -> SafeString | None:
    """The state and the workers of one deployment."""
    deployment = Deployment.objects.select_related("model").filter(pk=deployment_id).first()
    if deployment is None or not live.may_view(request, "deployment"):
        return None
    workers = workers_to_show(overview.telling_workers([deployment_id])).order_by("replica", "-id")
    context = {
        "deployment": deployment,
        "state": marks.state(overview.status(deployment)),
        "revision": deployment.revisions.first(),
        "workers": [WorkerLine.of(worker) for worker in workers],
    }
    url = reverse("admin:registry_deployment_now", args=[deployment_id])
    return live.part("deployment-now", url, template="registry/deployment_now.html", context=context)


def events_part(request: HttpRequest, deployment_id: int) -> SafeString | None:
    """The newest lines of one deployment's timeline."""
    deployment = Deployment.objects.filter(pk=deployment_id).first()
    if deployment is None or not live.may_view(request, "deployment"):
        return None
    context = {"deployment": deployment, "events": list(deployment.events.all()[:NEWEST_EVENTS])}
    url = reverse("admin:registry_deployment_events", args=[deployment_id])
    return live.part("deployment-events", url, template="registry/events.html", context=context)
