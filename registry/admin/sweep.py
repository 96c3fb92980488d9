"""What the control plane says of itself: its alarm, and its silence."""

from __future__ import annotations

from datetime import timedelta

from django.db.models import F
from django.db.models.functions import Now
from django.http import HttpRequest
from django.urls import reverse
from django.utils.safestring import SafeString

from registry.admin import live
from registry.measures import format_age
from registry.models import Sweep

LATE = timedelta(seconds=15)  # it sweeps every second or two
CONSEQUENCE = "Until it does, nothing is placed, replaced or found missing; models that run go on serving."


def warnings() -> list[tuple[str, str]]:
    """Title and sentence of each thing that operators must know before they believe the pages."""
    sweep = Sweep.objects.annotate(silence=Now() - F("swept_at")).first()
    if sweep is None:
        return [("The control plane has never looked", f"Is it running? “modelyard status” tells. {CONSEQUENCE}")]
    found = []
    if sweep.silence > LATE:
        title = f"The control plane has not swept for {format_age(sweep.silence)}: is it running?"
        found.append((title, f"“modelyard status” tells. {CONSEQUENCE}"))
    if sweep.alarm:
        since = f" since {sweep.alarm_since:%H:%M:%S} UTC" if sweep.alarm_since else ""
        found.append((f"Alarm{since}: nobody is evicted", sweep.alarm))
    return found


def alarm_part(request: HttpRequest) -> SafeString | None:
    """The banner, empty while all is well; for those who may look at nodes."""
    if not live.may_view(request, "node"):
        return None
    url = reverse("admin:registry_alarm")
    return live.part("alarm", url, template="registry/alarm.html", context={"warnings": warnings()})
