"""Nodes: what their agents report, and the one thing that operators decide about them."""

from __future__ import annotations

from collections.abc import Sequence

from django.contrib import admin
from django.db.models import F, Model, Prefetch, QuerySet
from django.db.models.functions import Now
from django.http import HttpRequest
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from registry import desired
from registry.admin import marks
from registry.admin.base import YardAdmin, actor, display
from registry.admin.device import devices_to_show, named_memory
from registry.models import Device, Node
from registry.status import node_status


def nodes_to_show(nodes: QuerySet[Node]) -> QuerySet[Node]:
    """With their devices and the sums of the claims, in two queries."""
    devices = Prefetch("devices", devices_to_show(Device.objects.order_by("index")))
    return nodes.annotate(now=Now(), silence=Now() - F("last_seen_at")).prefetch_related(devices)


def state_of(node: Node) -> SafeString:
    """The state of a node from `nodes_to_show`."""
    phase, words = node_status(
        cordoned=node.cordoned,
        last_seen_at=node.last_seen_at,
        left_at=node.left_at,
        now=node.now,  # type: ignore[attr-defined]  # annotated
    )
    return marks.dot(phase.value, words)


@admin.register(Node)
class NodeAdmin(YardAdmin):
    """Agents add nodes; operators cordon them."""

    list_display = ("name", "doing", "seen", "memory", "hostname", "agent_version")
    list_filter = ("cordoned",)
    search_fields = ("name", "hostname")
    ordering = ("name",)
    fieldsets = (
        (None, {"fields": ("cordoned",)}),
        ("As its agent reports", {"fields": (("name", "doing", "seen"), "memory", ("hostname", "address"), "labels")}),
        ("Agent", {"fields": (("agent_version", "agent_pid"), "boot_id", ("registered_at", "left_at"))}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Node]:
        return nodes_to_show(super().get_queryset(request))

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> Sequence[str]:
        return (
            *("name", "doing", "seen", "memory", "hostname", "address", "labels"),
            *("agent_version", "agent_pid", "boot_id", "registered_at", "left_at"),
        )

    def save_model(self, request: HttpRequest, obj: Node, form: object, change: bool) -> None:  # noqa: PLR0917 - Django's signature
        # Only this field: the agent writes the others all the time.
        desired.cordon(obj, cordoned=obj.cordoned, actor=actor(request))

    @display(description="State")
    def doing(self, node: Node) -> SafeString:
        return state_of(node)

    @display(description="Last seen", ordering="-last_seen_at")
    def seen(self, node: Node) -> SafeString | str:
        return marks.age(node.silence, live=node.left_at is None)  # type: ignore[attr-defined]  # annotated

    @display(description="Devices")
    def memory(self, node: Node) -> SafeString | str:
        return format_html_join("", "{}", ((named_memory(device),) for device in node.devices.all())) or marks.NOTHING
