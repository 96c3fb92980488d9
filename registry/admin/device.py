"""Devices, read-only: what can be claimed, what is, and what is in use."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import F, QuerySet, Sum
from django.db.models.functions import Coalesce, Now
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from registry.admin import marks
from registry.admin.base import ReadOnlyAdmin, display
from registry.models import Device


def devices_to_show(devices: QuerySet[Device]) -> QuerySet[Device]:
    """With the sum of their claims, and how long ago the agent looked at them."""
    claimed = Coalesce(Sum("claims__bytes"), 0)
    return devices.select_related("node").annotate(claimed=claimed, unseen=Now() - F("observed_at"))


def memory(device: Device) -> SafeString:
    """The bar of one device from `devices_to_show`."""
    claimed: int = device.claimed  # type: ignore[attr-defined]  # annotated
    return marks.memory(total=device.memory_total_bytes, claimed=claimed, used=device.memory_used_bytes)


def named_memory(device: Device) -> SafeString:
    return format_html('<span class="yard-device">{} <small>{}</small>{}</span>', device, device.name, memory(device))


@admin.register(Device)
class DeviceAdmin(ReadOnlyAdmin):
    """As the agents see them."""

    list_display = ("label", "name", "kind", "memory", "load", "seen")
    list_filter = ("kind", "present", "node")
    search_fields = ("name", "uuid", "node__name")
    ordering = ("node__name", "index")
    fieldsets = (
        (None, {"fields": (("node", "index", "kind"), "name", "uuid", "memory", "load", ("seen", "present"))}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Device]:
        return devices_to_show(super().get_queryset(request))

    @display(description="Device", ordering="node__name")
    def label(self, device: Device) -> str:
        return str(device)

    @display(description="Memory", ordering="memory_total_bytes")
    def memory(self, device: Device) -> SafeString:
        return memory(device)

    @display(description="Load", ordering="utilization_percent")
    def load(self, device: Device) -> str:
        figures = (
            (device.utilization_percent, "{:.0f} %"),
            (device.temperature_c, "{:.0f} °C"),
            (device.power_w, "{:.0f} W"),
        )
        return ", ".join(text.format(value) for value, text in figures if value is not None) or marks.NOTHING

    @display(description="Last seen", ordering="-observed_at")
    def seen(self, device: Device) -> SafeString | str:
        if not device.present:
            return marks.dot("danger", "no longer there")
        return marks.age(device.unseen, live=False)  # type: ignore[attr-defined]  # annotated
