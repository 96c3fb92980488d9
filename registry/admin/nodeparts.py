"""What the pages say of a node: in a cell of a list, and the live parts of its own page."""

from __future__ import annotations

from collections import Counter

from django.db.models import F, QuerySet
from django.db.models.functions import Now
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext

from registry.admin import live, marks, words
from registry.admin.device import (
    devices_to_show,
    holders,
    live_figures,
    memory,
    memory_of_all,
    strangers,
    trouble,
    with_holders,
)
from registry.admin.workerline import WorkerLine, workers_to_show
from registry.measures import format_bytes
from registry.models import Device, Event, Node
from registry.states import ACTIVE
from registry.status import Phase, node_status

NEWEST_EVENTS = 20
MOST_WORKERS = 50  # on a node's page; the list has the rest
LITTLE_DISK = 0.05  # of it free


def status_of(node: Node) -> tuple[Phase, str]:
    """Of a node with `now` annotated."""
    return node_status(
        cordoned=node.cordoned,
        last_seen_at=node.last_seen_at,
        left_at=node.left_at,
        drain_deadline=node.drain_deadline,
        now=node.now,  # type: ignore[attr-defined]  # annotated
    )


def state_of(node: Node) -> SafeString:
    phase, said = status_of(node)
    return marks.dot(phase.value, words.of(said))


def devices_of(node: Node) -> SafeString:
    """All devices of a node from `nodes_to_show` in one bar, and how many of them are in trouble."""
    devices = list(node.devices.all())
    if not devices:
        return marks.whole(marks.NOTHING)
    sick = sum(bool(device.quarantine) or not device.present for device in devices)
    mark = marks.tag(gettext("{count} in trouble").format(count=sick), "danger") if sick else ""
    return format_html('<span class="yard-device">{} {}{}</span>', products_of(node), mark, memory_of_all(devices))


def products_of(node: Node) -> str:
    """`8 × H100, 2 × L4`."""
    products = Counter(marks.product(device.name) for device in node.devices.all())
    return ", ".join(f"{number} × {name}" if number > 1 else name for name, number in products.items())


def disk_of(node: Node) -> SafeString | str:
    if node.disk_free_bytes is None:
        return marks.NOTHING
    size = format_bytes(node.disk_free_bytes)
    if node.disk_total_bytes:
        size = gettext("{part} of {whole}").format(part=size, whole=format_bytes(node.disk_total_bytes))
        if node.disk_free_bytes < LITTLE_DISK * node.disk_total_bytes:
            return marks.dot("warning", size)
    return marks.whole(size)


def now_part(request: HttpRequest, node_id: int) -> SafeString | None:
    """State, devices and workers of one node."""
    node = Node.objects.annotate(now=Now(), silence=Now() - F("last_seen_at")).filter(pk=node_id).first()
    if node is None or not live.may_view(request, "node"):
        return None
    running = node.workers.filter(state__in=ACTIVE)
    workers = [WorkerLine.of(worker) for worker in workers_to_show(running).order_by("deployment", "replica", "pk")]
    context = {
        "node": node,
        "state": state_of(node),
        "simulated": marks.simulated(node),
        "labels": marks.labels(node.labels),
        "seen": marks.age(node.silence, live=node.left_at is None),
        "disk": disk_of(node),
        "devices": _device_lines(node.devices.order_by("index")),
        "workers": workers[:MOST_WORKERS],
        "hidden": len(workers) - MOST_WORKERS,
        "may_view_worker": live.may_view(request, "worker"),
    }
    url = reverse("admin:registry_node_now", args=[node_id])
    return live.part("node-now", url, template="registry/node_now.html", context=context)


def events_part(request: HttpRequest, node_id: int) -> SafeString | None:
    """The newest lines about one node."""
    node = Node.objects.filter(pk=node_id).first()
    if node is None or not live.may_view(request, "node"):
        return None
    subject = f"node {node.name}"
    context = {"subject": subject, "events": list(Event.objects.filter(subject=subject)[:NEWEST_EVENTS])}
    url = reverse("admin:registry_node_events", args=[node_id])
    return live.part("node-events", url, template="registry/events.html", context=context)


def _device_lines(devices: QuerySet[Device]) -> list[dict[str, object]]:
    return [
        {
            "device": device,
            "product": marks.product(device.name),
            "simulated": marks.simulated(device),
            "trouble": trouble(device),
            "memory": memory(device),
            "figures": live_figures(device),
            "workers": holders(device),
            "others": strangers(device),
        }
        for device in with_holders(devices_to_show(devices))
    ]
