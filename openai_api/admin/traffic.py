"""Requests and tokens of the last hour, minute by minute: a card of the admin's first page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta

from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext

from openai_api.models import UsageMinute
from registry.admin import live

MINUTES = 60
HEIGHT = 40  # of the drawing; a minute is two wide
EVERY_S = 10  # a request is in the table a second or two after its end


@dataclass(frozen=True, slots=True)
class Minute:
    """What began in one minute."""

    requests: int = 0
    failed: int = 0
    tokens_in: int = 0
    tokens_out: int = 0


_FIGURES = tuple(field.name for field in fields(Minute))


@dataclass(frozen=True, slots=True)
class Curve:
    """A drawing and its two figures, per second: of the last whole minute, and of the busiest one."""

    per_second: str
    colour: str
    last: str
    most: str
    drawing: SafeString


def traffic_part(request: HttpRequest) -> SafeString | None:
    """Sums name nobody: whoever may look at deployments or at usage may see them."""
    may_view_usage = request.user.has_perm("openai_api.view_usage")
    if not (may_view_usage or live.may_view(request, "deployment")):
        return None
    minutes = last_hour(timezone.now())
    asked, failed = (sum(getattr(minute, name) for minute in minutes) for name in ("requests", "failed"))
    context = {"may_view_usage": may_view_usage, "curves": curves(minutes), "requests": asked, "failed": failed}
    context |= {"requests_words": f"{asked:,}", "failed_words": f"{failed:,}"}
    url = reverse("admin:openai_api_usage_traffic")
    return live.part("traffic", url, template="openai_api/traffic.html", context=context, every_s=EVERY_S)


def last_hour(now: datetime) -> list[Minute]:
    """The oldest first, the running minute last; sixty rows of sums, however many requests."""
    running = now.replace(second=0, microsecond=0)
    starts = [running - timedelta(minutes=back) for back in reversed(range(MINUTES))]
    rows = UsageMinute.objects.filter(minute__gte=starts[0]).values_list("minute", *_FIGURES)
    found = {minute: Minute(*figures) for minute, *figures in rows}
    return [found.get(start, Minute()) for start in starts]


def curves(minutes: Sequence[Minute]) -> list[Curve]:
    """What the card draws."""
    return [
        _curve((gettext("Requests"), gettext("requests/s")), "info", [minute.requests for minute in minutes]),
        _curve((gettext("Tokens out"), gettext("tokens out/s")), "success", [minute.tokens_out for minute in minutes]),
        _curve((gettext("Tokens in"), gettext("tokens in/s")), "default", [minute.tokens_in for minute in minutes]),
    ]


def _curve(titles: tuple[str, str], colour: str, numbers: Sequence[int]) -> Curve:
    last, most = _rate(numbers[-2]), _rate(max(numbers))
    title, per_second = titles
    words = gettext("{title} per second over the last hour: {last} in the last whole minute, {most} at most")
    drawing = format_html(
        '<svg class="yard-curve" viewBox="0 0 {} {}" preserveAspectRatio="none" role="img" aria-label="{}">'
        '<path d="{}"></path></svg>',
        *(2 * len(numbers), HEIGHT, words.format(title=title, last=last, most=most), _steps(numbers)),
    )
    return Curve(per_second, colour, last, most, drawing)


def _steps(numbers: Sequence[int]) -> str:
    """An area of steps: each minute as high as its share of the busiest one."""
    top = max(1, *numbers)
    heights = [HEIGHT - round(HEIGHT * number / top, 1) for number in numbers]
    return f"M0 {HEIGHT}" + "".join(f"V{height}h2" for height in heights) + f"V{HEIGHT}Z"


def _rate(per_minute: int) -> str:
    """Per second, in two figures that matter."""
    rate = per_minute / 60
    return f"{rate:,.0f}" if rate >= 10 or not per_minute else f"{rate:.1f}" if rate >= 0.1 else f"{rate:.2f}"
