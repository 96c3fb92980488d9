"""What the control plane says of itself: its alarm, and its silence."""

from __future__ import annotations

from datetime import timedelta

from django.db.models import F
from django.db.models.functions import Now
from django.http import HttpRequest
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from registry.admin import live, words
from registry.models import Sweep

LATE = timedelta(seconds=15)  # it sweeps every second or two
CONSEQUENCE = _("Until it does, nothing is placed, replaced or found missing; models that run go on serving.")


def warnings() -> list[tuple[str, str]]:
    """Title and sentence of each thing that operators must know before they believe the pages."""
    sweep = Sweep.objects.annotate(silence=Now() - F("swept_at")).first()
    if sweep is None:
        asked = gettext("Is it running? “modelyard status” tells. {consequence}").format(consequence=CONSEQUENCE)
        return [(gettext("The control plane has never looked"), asked)]
    found = []
    if sweep.silence > LATE:
        title = gettext("The control plane has not swept for {age}: is it running?")
        told = gettext("“modelyard status” tells. {consequence}").format(consequence=CONSEQUENCE)
        found.append((title.format(age=words.of_age(sweep.silence)), told))
    if sweep.alarm:
        title = gettext("Alarm: nobody is evicted")
        if sweep.alarm_since:
            title = gettext("Alarm since {time} UTC: nobody is evicted").format(time=f"{sweep.alarm_since:%H:%M:%S}")
        found.append((title, sweep.alarm))
    return found


def alarm_part(request: HttpRequest) -> SafeString | None:
    """The banner, empty while all is well; for those who may look at nodes."""
    if not live.may_view(request, "node"):
        return None
    url = reverse("admin:registry_alarm")
    return live.part("alarm", url, template="registry/alarm.html", context={"warnings": warnings()})
