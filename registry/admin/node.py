"""Nodes: what their agents report, and what operators decide about them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Count, F, Model, OuterRef, Prefetch, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce, Now
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminTextInputWidget

from registry import desired
from registry.admin import live, marks, nodeparts
from registry.admin.base import actor, display
from registry.admin.device import devices_to_show
from registry.admin.fields import Labels, LabelsField
from registry.admin.filters import ChoiceFilter, LabelFilter
from registry.admin.node_orders import NodeOrdersAdmin
from registry.admin.sweep import alarm_part
from registry.models import Device, Node, Worker
from registry.plan.nodes import NODE_LATE
from registry.states import ACTIVE


def nodes_to_show(nodes: QuerySet[Node]) -> QuerySet[Node]:
    """With the number of their workers, their devices and the sums of the claims, in two queries."""
    # Without their nodes, which are these.
    devices = Prefetch("devices", devices_to_show(Device.objects.order_by("index")).select_related(None))
    running = Worker.objects.filter(node=OuterRef("pk"), state__in=ACTIVE).order_by().values("node")
    counted = Coalesce(Subquery(running.annotate(number=Count("pk")).values("number")), 0)
    shown = nodes.annotate(now=Now(), silence=Now() - F("last_seen_at"), running=counted)
    return shown.prefetch_related(devices)


class NodeForm(forms.ModelForm):  # type: ignore[type-arg]  # not generic at run time
    """All labels of a node in one line."""

    labels = LabelsField(
        label=_("Labels"),
        required=False,
        widget=UnfoldAdminTextInputWidget(attrs={"placeholder": "zone=a disk=fast"}),
        help_text=_("key=value, several by spaces. Deployments choose nodes by them; what runs there goes on."),
    )

    class Meta:
        model = Node
        fields = ("labels",)

    def changes(self) -> Labels:
        """Against the labels before; None deletes."""
        wanted: Labels = self.cleaned_data["labels"]
        return dict.fromkeys(self.initial["labels"].keys() - wanted.keys()) | wanted


class StandingFilter(ChoiceFilter):
    """By what the list says of a node."""

    title = _("state")
    parameter_name = "state"
    options = {
        "online": _("Online"),
        "silent": _("Silent"),
        "draining": _("Draining"),
        "cordoned": _("Cordoned"),
        "left": _("Left"),
        "trouble": _("With a device in quarantine"),
    }

    def chosen(self, queryset: QuerySet[Any], value: str) -> QuerySet[Any]:
        late = Q(left_at=None) & (Q(last_seen_at=None) | Q(last_seen_at__lt=Now() - NODE_LATE))
        kept = {
            "online": ~late & Q(left_at=None, cordoned=False),
            "silent": late,
            "draining": Q(drain_deadline__isnull=False),
            "cordoned": Q(cordoned=True),
            "left": Q(left_at__isnull=False),
            "trouble": Q(pk__in=Device.objects.exclude(quarantine="").values("node_id")),
        }
        return queryset.filter(kept[value])


@admin.register(Node)
class NodeAdmin(NodeOrdersAdmin):
    """Agents add nodes; operators cordon, drain, label and remove them."""

    form = NodeForm
    list_display = ("title", "doing", "seen", "devices", "workers", "disk", "labelled")
    list_filter = (StandingFilter, LabelFilter, "simulated")
    list_display_links = ("title",)
    search_fields = ("name", "hostname")
    search_help_text = _("Name or host")
    first_step = _(
        "A machine becomes a node when its agent starts: modelyard up starts one here, modelyard agent one elsewhere."
    )
    ordering = ("name",)
    list_before_template = "registry/nodes_top.html"
    change_form_outer_before_template = "registry/parts_top.html"
    change_form_outer_after_template = "registry/parts_bottom.html"
    fieldsets = ((None, {"fields": ("labels",)}),)

    def get_urls(self) -> list[Any]:
        now = live.view(self.admin_site, nodeparts.now_part)
        events = live.view(self.admin_site, nodeparts.events_part)
        return [
            path("alarm/", live.view(self.admin_site, alarm_part), name="registry_alarm"),
            path("<int:node_id>/now/", now, name="registry_node_now"),
            path("<int:node_id>/events/", events, name="registry_node_events"),
            *super().get_urls(),
        ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Node]:
        return nodes_to_show(super().get_queryset(request))

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False  # the order Remove says what becomes of its workers

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> Sequence[str]:
        return () if self.has_change_permission(request, obj) else ("labelled",)

    def get_fieldsets(self, request: HttpRequest, obj: Model | None = None) -> Any:
        if self.has_change_permission(request, obj):
            return super().get_fieldsets(request, obj)
        return ((None, {"fields": ("labelled",)}),)

    def changelist_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        given: dict[str, Any] = kwargs.get("extra_context") or {}
        kwargs["extra_context"] = given | {"alarm": alarm_part(request)}
        return super().changelist_view(request, *args, **kwargs)

    def change_view(  # noqa: PLR0917 - Django's signature
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        parts: dict[str, Any] = {}
        if object_id.isdecimal() and request.method == "GET":
            node_id = int(object_id)
            parts = {"above": nodeparts.now_part(request, node_id), "below": nodeparts.events_part(request, node_id)}
        response: HttpResponse = super().change_view(
            request, object_id, form_url, (extra_context or {}) | parts | {"show_history": False}
        )
        return response

    def save_model(self, request: HttpRequest, obj: Node, form: NodeForm, change: bool) -> None:  # noqa: PLR0917 - Django's signature
        # Only the labels: the agent writes the other columns all the time.
        desired.label(obj, form.changes(), actor=actor(request))

    @display(description=_("Node"), ordering="name")
    def title(self, node: Node) -> SafeString:
        return format_html('<span class="yard-nowrap">{} {}</span>', node.name, marks.simulated(node))

    @display(description=_("State"))
    def doing(self, node: Node) -> SafeString:
        return nodeparts.state_of(node)

    @display(description=_("Last seen"), ordering="-last_seen_at")
    def seen(self, node: Node) -> SafeString | str:
        return marks.age(node.silence, live=node.left_at is None)  # type: ignore[attr-defined]  # annotated

    @display(description=_("Devices"))
    def devices(self, node: Node) -> SafeString:
        return nodeparts.devices_of(node)

    @display(description=_("Workers"), ordering="running")
    def workers(self, node: Node) -> int:
        return int(node.running)  # type: ignore[attr-defined]  # annotated

    @display(description=_("Disk free"), ordering="disk_free_bytes")
    def disk(self, node: Node) -> SafeString | str:
        return nodeparts.disk_of(node)

    @display(description=_("Labels"))
    def labelled(self, node: Node) -> SafeString | str:
        return marks.labels(node.labels)
