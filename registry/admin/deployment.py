"""Deployments: what operators edit, with what runs of it on the same page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import admin, messages
from django.db.models import Model as Row
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.views import ChangeList

from registry import desired, overview, revisions
from registry.admin import deploymentparts, live, marks
from registry.admin.base import actor, display
from registry.admin.dashboard import overview_part
from registry.admin.deployment_form import DeploymentForm
from registry.admin.diffpage import diff_view
from registry.admin.fitpart import fit_url, fit_view
from registry.admin.orders import OrdersAdmin
from registry.measures import exact_bytes
from registry.models import Deployment, Revision
from registry.models.deployment import TIMEOUT_FIELDS

PLACE = ("devices", "node_labels", ("gpus", "max_memory"), ("strategy", "exclusive"))
TIMES = (tuple(TIMEOUT_FIELDS[:2]), tuple(TIMEOUT_FIELDS[2:]), "restart_budget")
REPLACED = _("They are replaced one after the other, each by one that is ready first where there is room.")
STOPPED = _("It is stopped: they start with it.")
FOLDED = {"classes": ("collapse",)}


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
    autocomplete_fields = ("model",)
    list_display = ("name", "doing", "model_link", "replicas", "engine", "memory_claimed")
    list_select_related = ("model",)
    list_filter = ("engine", "paused")
    search_fields = ("name", "model__name")
    add_fieldsets = (
        (None, {"fields": ("name", "model", "replicas", "engine", "options", "memory", "paused")}),
        (_("Where it runs"), FOLDED | {"fields": PLACE}),
        (_("How long things may take"), FOLDED | {"fields": TIMES}),
    )
    fieldsets = (
        (None, {"fields": ("model", ("replicas", "engine"), "options", "memory")}),
        (_("Where it runs"), FOLDED | {"fields": PLACE}),
        (_("How long things may take"), FOLDED | {"fields": TIMES}),
    )
    first_step = _(
        "A deployment says how many replicas of a model run and where. Add the model first, then deploy it here."
    )
    change_form_after_template = "registry/fit.html"
    change_form_outer_before_template = "registry/parts_top.html"
    change_form_outer_after_template = "registry/parts_bottom.html"

    class Media:
        js = ["registry/fit.js"]

    def get_urls(self) -> list[Any]:
        parts = {"now": deploymentparts.now_part, "events": deploymentparts.events_part}
        parts["revisions"] = deploymentparts.revisions_part
        return [
            path("overview/", live.view(self.admin_site, overview_part), name="registry_overview"),
            *(
                path(
                    f"<int:deployment_id>/{name}/", live.view(self.admin_site, part), name=f"registry_deployment_{name}"
                )
                for name, part in parts.items()
            ),
            path(
                "<int:deployment_id>/diff/",
                self.admin_site.admin_view(diff_view(self.admin_site)),
                name="registry_deployment_diff",
            ),
            path("fit/", self.admin_site.admin_view(fit_view(self)), name="registry_deployment_fit_new"),
            path(
                "<int:deployment_id>/fit/",
                self.admin_site.admin_view(fit_view(self)),
                name="registry_deployment_fit",
            ),
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

    @display(description=_("State"))
    def doing(self, deployment: Deployment) -> SafeString:
        return marks.state(deployment.status)  # type: ignore[attr-defined]  # set by the list

    @display(description=_("Model"), ordering="model__name")
    def model_link(self, deployment: Deployment) -> SafeString | str:
        return marks.link(deployment.model)

    @display(description=_("Memory per replica"), ordering="memory_bytes")
    def memory_claimed(self, deployment: Deployment) -> str:
        return exact_bytes(deployment.memory_bytes) if deployment.memory_bytes else gettext("estimated")

    def change_view(  # noqa: PLR0917 - Django's signature
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        parts: dict[str, Any] = {}
        if object_id.isdecimal() and request.method == "GET":
            deployment_id = int(object_id)
            parts = {
                "above": deploymentparts.now_part(request, deployment_id),
                "below": deploymentparts.below(request, deployment_id),
            }
        response: HttpResponse = super().change_view(
            request, object_id, form_url, (extra_context or {}) | parts | {"show_history": False}
        )
        return response

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        deployment = kwargs.get("obj")
        if self.has_add_permission(request) if deployment is None else self.has_change_permission(request, deployment):
            context["fit_url"] = fit_url(deployment)
        return super().render_change_form(request, context, *args, **kwargs)

    def save_model(self, request: HttpRequest, obj: Deployment, form: DeploymentForm, change: bool) -> None:  # noqa: PLR0917 - Django's signature
        if not change:
            desired.save(obj, actor=actor(request), reason="create")
        elif form.has_changed():
            before = obj.revisions.first()
            after = desired.save(obj, actor=actor(request), fields=form.changed_columns())
            _tell(request, before, after)

    def delete_model(self, request: HttpRequest, obj: Deployment) -> None:
        desired.delete(obj, actor=actor(request))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Deployment]) -> None:
        for deployment in queryset:
            desired.delete(deployment, actor=actor(request))

    def get_deleted_objects(
        self, objs: Any, request: HttpRequest
    ) -> tuple[list[str], dict[str, int], set[str], list[str]]:
        """The deployments alone: what goes with them is history, for which nobody has a permission to delete."""
        names = [
            gettext("{deployment}, with its revisions and the rows of its workers").format(deployment=deployment)
            for deployment in objs
        ]
        return names, {gettext("deployments"): len(names)}, set(), []


def _tell(request: HttpRequest, before: Revision | None, after: Revision) -> None:
    """Which of the changes hold at once, and which take new workers."""
    changes = revisions.diff(before.snapshot if before else {}, after.snapshot)
    hot = gettext(", ").join(change.label for change in changes if change.hot)
    cold = gettext(", ").join(change.label for change in changes if not change.hot)
    if hot:
        messages.info(request, gettext("Hot, in force at once: {options}.").format(options=hot))
    if cold:
        told = gettext("Needs new workers: {options}. {what}")
        messages.warning(request, told.format(options=cold, what=STOPPED if after.deployment.paused else REPLACED))
