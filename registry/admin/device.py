"""Devices, read-only: what can be claimed, what is, what is in use, and what others hold of it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.db.models import F, Prefetch, QuerySet, Sum
from django.db.models.functions import Coalesce, Now
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from registry.admin import marks
from registry.admin.base import ReadOnlyAdmin, display
from registry.admin.filters import ChoiceFilter, NodeFilter
from registry.measures import format_bytes
from registry.models import Claim, Device


def devices_to_show(devices: QuerySet[Device]) -> QuerySet[Device]:
    """With the sum of their claims, and how long ago the agent looked at them."""
    claimed = Coalesce(Sum("claims__bytes"), 0)
    return devices.select_related("node").annotate(claimed=claimed, unseen=Now() - F("observed_at"))


def with_holders(devices: QuerySet[Device]) -> QuerySet[Device]:
    """Each with its claims and the workers that hold them."""
    claims = Claim.objects.select_related("worker__deployment").order_by("worker_id")
    return devices.prefetch_related(Prefetch("claims", claims))


def memory(device: Device) -> SafeString:
    """The bar of one device from `devices_to_show`."""
    return marks.memory(
        total=device.memory_total_bytes,
        claimed=device.claimed,  # type: ignore[attr-defined]  # annotated
        used=device.memory_used_bytes,
        foreign=device.foreign_bytes,
    )


def memory_of_all(devices: Iterable[Device]) -> SafeString:
    """One bar for all of these devices."""
    present = [device for device in devices if device.present]
    used = [device.memory_used_bytes for device in present if device.memory_used_bytes is not None]
    return marks.memory(
        total=sum(device.memory_total_bytes for device in present),
        claimed=sum(device.claimed for device in present),  # type: ignore[attr-defined]  # annotated
        used=sum(used) if used else None,
        foreign=sum(device.foreign_bytes for device in present),
    )


def named_memory(device: Device) -> SafeString:
    return format_html(
        '<span class="yard-device">{} <small>{}</small> {}{}</span>',
        device,
        marks.product(device.name),
        trouble(device),
        memory(device),
    )


def trouble(device: Device) -> SafeString:
    """A mark for what keeps placement away from a device."""
    if not device.present:
        return marks.tag(gettext("gone"), "danger", gettext("The agent no longer sees it."))
    return marks.tag(gettext("quarantined"), "danger", device.quarantine) if device.quarantine else SafeString()


def live_figures(device: Device) -> str:
    """How busy, how warm, at what power: what the driver tells."""
    figures = (
        (device.utilization_percent, "{:.0f} %"),
        (device.temperature_c, "{:.0f} °C"),
        (device.power_w, "{:.0f} W"),
    )
    return ", ".join(text.format(value) for value, text in figures if value is not None) or marks.NOTHING


def strangers(device: Device) -> SafeString | str:
    """Processes on it that are not ours, by pid and name."""
    lines = (
        (
            f"{process.get('name') or gettext('a process')} (pid {process.get('pid', '?')})",
            format_bytes(process.get("bytes") or 0),
        )
        for process in device.foreign_processes
    )
    return format_html_join("", '<span class="yard-line">{} <small>{}</small></span>', lines) or marks.NOTHING


def holders(device: Device) -> SafeString | str:
    """Who has claims on a device from `with_holders`."""
    lines = ((marks.link(claim.worker), format_bytes(claim.bytes)) for claim in device.claims.all())
    return format_html_join("", '<span class="yard-line">{} <small>{}</small></span>', lines) or marks.NOTHING


class TroubleFilter(ChoiceFilter):
    """What an operator may have to look after."""

    title = _("condition")
    parameter_name = "condition"
    options = {"quarantined": _("Quarantined"), "foreign": _("Used by others too"), "gone": _("No longer there")}

    def chosen(self, queryset: QuerySet[Any], value: str) -> QuerySet[Any]:
        if value == "quarantined":
            return queryset.exclude(quarantine="")
        return queryset.filter(foreign_bytes__gt=0) if value == "foreign" else queryset.filter(present=False)


@admin.register(Device)
class DeviceAdmin(ReadOnlyAdmin):
    """As the agents see them."""

    list_display = ("label", "product", "memory", "load", "others", "seen")
    list_filter = (NodeFilter, TroubleFilter, "kind", "simulated")
    search_fields = ("name", "uuid", "node__name")
    search_help_text = _("Node, product or uuid")
    first_step = _(
        "Agents report what they find: start one with modelyard up here, or with modelyard agent on another machine."
    )
    ordering = ("node__name", "index")
    fieldsets = (
        (None, {"fields": (("label", "kind"), ("product", "uuid"), "condition", "memory", ("load", "seen"))}),
        (_("On it"), {"fields": ("workers", "others")}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Device]:
        return with_holders(devices_to_show(super().get_queryset(request)))

    @display(description=_("Device"), ordering="node__name")
    def label(self, device: Device) -> SafeString:
        return format_html('<span class="yard-nowrap">{} {}</span>', device, marks.simulated(device))

    @display(description=_("Product"), ordering="name")
    def product(self, device: Device) -> SafeString:
        return format_html("{} {}", marks.product(device.name), trouble(device))

    @display(description=_("Condition"))
    def condition(self, device: Device) -> SafeString | str:
        if device.quarantine:
            ends = gettext("Nothing is placed here until these processes are gone; then it is used again by itself.")
            if device.quarantined_at:
                since = gettext("Since {moment} UTC. {ends}")
                ends = since.format(moment=f"{device.quarantined_at:%Y-%m-%d %H:%M:%S}", ends=ends)
            return marks.box(gettext("Quarantined"), device.quarantine, ends, colour="danger")
        if not device.present:
            return marks.dot("danger", gettext("{node} no longer sees it").format(node=device.node))
        return marks.dot("success", gettext("can be claimed on {node}").format(node=device.node))

    @display(description=_("Memory"), ordering="memory_total_bytes")
    def memory(self, device: Device) -> SafeString:
        return memory(device)

    @display(description=_("Load"), ordering="utilization_percent")
    def load(self, device: Device) -> str:
        return live_figures(device)

    @display(description=_("Processes that are not ours"), ordering="foreign_bytes")
    def others(self, device: Device) -> SafeString | str:
        return strangers(device)

    @display(description=_("Workers"))
    def workers(self, device: Device) -> SafeString | str:
        return holders(device)

    @display(description=_("Last seen"), ordering="-observed_at")
    def seen(self, device: Device) -> SafeString | str:
        if not device.present:
            return marks.dot("danger", gettext("no longer there"))
        return marks.age(device.unseen, live=False)  # type: ignore[attr-defined]  # annotated
