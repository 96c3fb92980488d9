"""The map of the machines: a row a node, a cell a device, with who holds how much of it and what is free."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.db.models import Count, F, Sum
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from registry.admin import marks
from registry.admin.nodeparts import products_of, state_of
from registry.measures import format_bytes
from registry.models import Claim, Device, Node

HUES = 8  # colours of deployments in `admin.css`; they come again, and the tooltip has the name
FEW_DEVICES = 16  # up to here each cell has its product and figures in words
LEGEND = 16  # deployments named under the map, those that hold most


@dataclass(frozen=True, slots=True)
class Share:
    """What one deployment holds of one device."""

    deployment_id: int
    name: str
    size: int
    workers: int

    @property
    def hue(self) -> int:
        return self.deployment_id % HUES

    @property
    def amount(self) -> str:
        return format_bytes(self.size)

    @property
    def words(self) -> str:
        times = f" ({self.workers} workers)" if self.workers > 1 else ""
        return f"{self.name} {self.amount}{times}"


@dataclass(frozen=True, slots=True)
class Row:
    """A node and its cells."""

    node: Node
    products: str
    state: SafeString
    cells: list[SafeString]


def gpu_map(nodes: Sequence[Node]) -> dict[str, object]:
    """For the template, of nodes from `nodes_to_show`: one query more, however many there are."""
    shares = _shares(nodes)
    roomy = sum(len(node.devices.all()) for node in nodes) <= FEW_DEVICES
    rows = [
        Row(node, products_of(node), state_of(node), [_cell(device, shares[device.pk], roomy) for device in _of(node)])
        for node in nodes
    ]
    held = _held(shares)
    return {"map": rows, "roomy": roomy, "legend": held[:LEGEND], "more_legend": max(0, len(held) - LEGEND)}


def free(device: Device) -> int:
    """Bytes that are neither claimed nor held by others; nothing where placement does not go."""
    if not device.present or device.quarantine:
        return 0
    claimed: int = device.claimed  # type: ignore[attr-defined]  # annotated
    return max(0, device.memory_total_bytes - claimed - device.foreign_bytes)


def _of(node: Node) -> list[Device]:
    return list(node.devices.all())


def _shares(nodes: Sequence[Node]) -> Mapping[int, list[Share]]:
    claims = Claim.objects.filter(device__node__in=[node.pk for node in nodes]).order_by("worker__deployment_id")
    sums = claims.values("device_id", deployment=F("worker__deployment_id"), name=F("worker__deployment__name"))
    found: defaultdict[int, list[Share]] = defaultdict(list)
    for row in sums.annotate(size=Sum("bytes"), workers=Count("worker", distinct=True)):
        found[row["device_id"]].append(Share(row["deployment"], row["name"], row["size"], row["workers"]))
    return found


def _held(shares: Mapping[int, list[Share]]) -> list[Share]:
    """Of each deployment all that it holds of these devices, the largest first."""
    sums: dict[int, Share] = {}
    for share in (share for held in shares.values() for share in held):
        before = sums.get(share.deployment_id)
        size = share.size + (before.size if before else 0)
        sums[share.deployment_id] = Share(share.deployment_id, share.name, size, 0)
    return sorted(sums.values(), key=lambda share: (-share.size, share.name))


def _cell(device: Device, shares: list[Share], roomy: bool) -> SafeString:
    words = _words(device, shares)
    url = reverse("admin:registry_device_change", args=[device.pk])
    return format_html(
        '<a id="map-{}" class="yard-cell yard-{}" href="{}" title="{}"><span>{} <b>{}</b></span>{}{}</a>',
        *(device.pk, "danger" if _trouble(device) else "default", url, words),
        *(device.kind if device.kind == Device.Kind.CPU else device.index, _trouble(device) or _free(device)),
        *(_bar(device, shares, words), _details(device) if roomy else ""),
    )


def _trouble(device: Device) -> str:
    if not device.present:
        return "gone"
    return "quarantined" if device.quarantine else ""


def _free(device: Device) -> str:
    return f"{format_bytes(free(device))} free"


def _words(device: Device, shares: list[Share]) -> str:
    memory = _memory(device)
    holders = ", ".join(share.words for share in shares) or "nobody holds any"
    return f"{device}, {marks.product(device.name)}: {_trouble(device) or _free(device)}; {memory}; {holders}"


def _memory(device: Device) -> str:
    return marks.memory_words(
        total=device.memory_total_bytes,
        claimed=device.claimed,  # type: ignore[attr-defined]  # annotated
        used=device.memory_used_bytes,
        foreign=device.foreign_bytes,
    )


def _details(device: Device) -> SafeString:
    return format_html("<small>{}</small><small>{}</small>", marks.product(device.name), _memory(device))


def _bar(device: Device, shares: list[Share], words: str) -> SafeString:
    """A part for each deployment, then what others hold; the thin line on them is what is in use."""
    parts, start = [], 0.0
    held = [(f"yard-hue-{share.hue}", share.size) for share in shares]
    for name, size in [*held, ("yard-bar-foreign", device.foreign_bytes)]:
        width = min(100 - start, marks.percent(size, device.memory_total_bytes))
        if width:
            parts.append((name, round(start, 1), width))
        start += width
    return format_html(
        '<svg class="yard-bar" viewBox="0 0 100 8" preserveAspectRatio="none" role="img" aria-label="{}">'
        '{}<rect class="yard-bar-inuse" y="3.25" width="{}" height="1.5"></rect></svg>',
        words,
        format_html_join("", '<rect class="{}" x="{}" width="{}" height="8"></rect>', parts),
        marks.percent(device.memory_used_bytes or 0, device.memory_total_bytes),
    )
