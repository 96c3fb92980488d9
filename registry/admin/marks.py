"""Small pieces of HTML: badges, states, memory bars. No inline styles: bars are SVG, colours come from `admin.css`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from django.db.models import Model
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from registry.admin import words as phrases
from registry.measures import format_bytes
from registry.models import Device, Node
from registry.states import BADGES, WorkerState
from registry.status import SILENT, Status

NOTHING = "–"
SIMULATED = _("It exists in name only: for tests and trials, with the echo engine.")


def state(status: Status) -> SafeString:
    """A coloured dot and the words; long reasons are cut by the page and whole in the tooltip."""
    return dot(status.badge, phrases.of_status(status))


def dot(badge: str, words: str) -> SafeString:
    return format_html('<span class="yard-state yard-{}" title="{}">{}</span>', badge, words, words)


def badge(worker_state: str) -> SafeString:
    colour = BADGES[WorkerState(worker_state)]
    return format_html('<span class="yard-badge yard-{}">{}</span>', colour, WorkerState(worker_state).label)


def tag(words: str, colour: str = "default", title: str = "") -> SafeString:
    """A small mark beside a name."""
    return format_html('<span class="yard-tag yard-{}" title="{}">{}</span>', colour, title, words)


def simulated(row: Node | Device) -> SafeString:
    """Whatever exists in name only says so wherever it is shown."""
    return simulated_tag() if row.simulated else SafeString()


def simulated_tag() -> SafeString:
    """Of a row or of a kind of devices."""
    return tag(gettext("simulated"), "warning", str(SIMULATED))


def product(name: str) -> str:
    """A device's name; that it is simulated, a tag says."""
    return name.removesuffix(" (simulated)")


def labels(written: Mapping[str, str]) -> SafeString | str:
    tags = ((tag(f"{key}={value}"),) for key, value in sorted(written.items()))
    return format_html_join(" ", "{}", tags) or NOTHING


def change(before: str, after: str) -> SafeString | str:
    """A transition; the first state of a worker has nothing before it."""
    if not after:
        return NOTHING
    return whole(format_html("{} → {}", WorkerState(before).label, badge(after))) if before else badge(after)


def whole(text: str) -> SafeString:
    """Never broken over two lines."""
    return format_html('<span class="yard-nowrap">{}</span>', text)


def reason(text: str) -> SafeString | str:
    """Cut to two lines; whole in the tooltip."""
    return format_html('<span class="yard-reason" title="{0}">{0}</span>', text) if text else NOTHING


def progress_bar(percent: int) -> SafeString:
    return format_html(
        '<svg class="yard-bar yard-bar-thin" viewBox="0 0 100 8" preserveAspectRatio="none" role="img"'
        ' aria-label="{0} %"><rect class="yard-bar-claimed" width="{0}" height="8"></rect></svg>',
        percent,
    )


def memory_bar(*, total: int, claimed: int, used: int | None, foreign: int = 0) -> SafeString:
    """Claimed is the wide bar, what others hold follows it, used is the narrow bar on them. In bytes."""
    taken = percent(claimed, total)
    return format_html(
        '<svg class="yard-bar" viewBox="0 0 100 8" preserveAspectRatio="none" role="img" aria-label="{}">'
        '<rect class="yard-bar-claimed" width="{}" height="8"></rect>'
        '<rect class="yard-bar-foreign" x="{}" width="{}" height="8"></rect>'
        '<rect class="yard-bar-used" y="2.5" width="{}" height="3"></rect></svg>',
        memory_words(total=total, claimed=claimed, used=used, foreign=foreign),
        *(taken, taken, min(100 - taken, percent(foreign, total)), percent(used or 0, total)),
    )


def memory_words(*, total: int, claimed: int, used: int | None, foreign: int = 0) -> str:
    in_use = gettext("{size} used").format(size=format_bytes(used)) if used is not None else gettext("use not known")
    sizes = {"claimed": format_bytes(claimed), "in_use": in_use, "total": format_bytes(total)}
    if not foreign:
        return gettext("{claimed} claimed, {in_use}, of {total}").format(**sizes)
    shared = gettext("{claimed} claimed, {in_use}, {foreign} held by others, of {total}")
    return shared.format(**sizes, foreign=format_bytes(foreign))


def memory(*, total: int, claimed: int, used: int | None, foreign: int = 0) -> SafeString:
    bar = memory_bar(total=total, claimed=claimed, used=used, foreign=foreign)
    words = memory_words(total=total, claimed=claimed, used=used, foreign=foreign)
    return format_html('<span class="yard-memory">{}<small>{}</small></span>', bar, words)


def age(since: timedelta | None, *, live: bool = True) -> SafeString | str:
    """How long ago; marked when something that should beat is silent."""
    if since is None:
        return NOTHING
    ago = gettext("{age} ago").format(age=phrases.of_age(since))
    if live and since > SILENT:
        return format_html('<span class="yard-state yard-warning yard-nowrap">{}</span>', ago)
    return whole(ago)


def link(row: Model | None, words: str = "") -> SafeString | str:
    """A link to the row's own page."""
    if row is None:
        return NOTHING
    meta = row._meta
    url = reverse(f"admin:{meta.app_label}_{meta.model_name}_change", args=[row.pk])
    return format_html('<a class="yard-link" href="{}">{}</a>', url, words or str(row))


def box(title: str, *paragraphs: str, colour: str) -> SafeString:
    """What happened and what to do, set apart from the figures."""
    lines = format_html_join("", "<p>{}</p>", ((paragraph,) for paragraph in paragraphs if paragraph))
    return format_html('<div class="yard-box yard-{}"><b>{}</b>{}</div>', colour, title, lines)


def log(text: str) -> SafeString:
    return format_html('<pre class="yard-log">{}</pre>', text)


def percent(part: int, whole: int) -> float:
    """Of a bar's width."""
    return round(min(100.0, 100 * part / whole), 1) if whole > 0 else 0
