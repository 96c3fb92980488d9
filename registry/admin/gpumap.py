"""The map of the machines: a row a node, a cell a device, with who holds how much of it and what is free."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from django.db.models import Count, F, Sum
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext

from registry.admin import marks
from registry.admin.nodeparts import products_of, state_of
from registry.measures import format_bytes
from registry.models import Claim, Device, Node

HUES = 8  # colours of deployments in `admin.css`; they come again, and the tooltip has the name
FEW_DEVICES = 16  # up to here each cell has its product and figures in words
CELLS = 2000  # that are kept as they were drawn
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
        if self.workers <= 1:
            return f"{self.name} {self.amount}"
        several = gettext("{name} {amount} ({count} workers)")
        return several.format(name=self.name, amount=self.amount, count=self.workers)


@dataclass(frozen=True, slots=True)
class Drawing:
    """All that a device's cell shows. Cells with the same are the same."""

    device_id: int
    place: str
    sick: bool
    state: str
    words: str
    parts: tuple[tuple[str, float, float], ...]
    used: float
    details: tuple[str, ...]


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
    drawing = Drawing(
        device_id=device.pk,
        place=device.kind if device.kind == Device.Kind.CPU else str(device.index),
        sick=bool(_trouble(device)),
        state=_trouble(device) or _free(device),
        words=_words(device, shares),
        parts=_parts(device, shares),
        used=marks.percent(device.memory_used_bytes or 0, device.memory_total_bytes),
        details=(marks.product(device.name), _memory(device)) if roomy else (),
    )
    return _drawn(drawing)


# A page that is open asks every two seconds, and nearly all cells are as they were.
@lru_cache(maxsize=CELLS)
def _drawn(cell: Drawing) -> SafeString:
    url = reverse("admin:registry_device_change", args=[cell.device_id])
    return format_html(
        '<a id="map-{}" class="yard-cell yard-{}" href="{}" title="{}"><span>{} <b>{}</b></span>{}{}</a>',
        *(cell.device_id, "danger" if cell.sick else "default", url, cell.words, cell.place, cell.state),
        *(_bar(cell), format_html_join("", "<small>{}</small>", [(line,) for line in cell.details])),
    )


def _trouble(device: Device) -> str:
    if not device.present:
        return gettext("gone")
    return gettext("quarantined") if device.quarantine else ""


def _free(device: Device) -> str:
    return gettext("{size} free").format(size=format_bytes(free(device)))


def _words(device: Device, shares: list[Share]) -> str:
    memory = _memory(device)
    holders = ", ".join(share.words for share in shares) or gettext("nobody holds any")
    told = {"device": device, "product": marks.product(device.name), "state": _trouble(device) or _free(device)}
    return gettext("{device}, {product}: {state}; {memory}; {holders}").format(**told, memory=memory, holders=holders)


def _memory(device: Device) -> str:
    return marks.memory_words(
        total=device.memory_total_bytes,
        claimed=device.claimed,  # type: ignore[attr-defined]  # annotated
        used=device.memory_used_bytes,
        foreign=device.foreign_bytes,
    )


def _parts(device: Device, shares: list[Share]) -> tuple[tuple[str, float, float], ...]:
    """Class, place and width, in percent, of what each deployment holds, then of what others do."""
    parts, start = [], 0.0
    held = [(f"yard-hue-{share.hue}", share.size) for share in shares]
    for name, size in [*held, ("yard-bar-foreign", device.foreign_bytes)]:
        width = min(100 - start, marks.percent(size, device.memory_total_bytes))
        if width:
            parts.append((name, round(start, 1), width))
        start += width
    return tuple(parts)


def _bar(cell: Drawing) -> SafeString:
    """The thin line on the parts is what is in use. What it means in words is the link's title."""
    return format_html(
        '<svg class="yard-bar" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">'
        '{}<rect class="yard-bar-inuse" y="3.25" width="{}" height="1.5"></rect></svg>',
        format_html_join("", '<rect class="{}" x="{}" width="{}" height="8"></rect>', cell.parts),
        cell.used,
    )
