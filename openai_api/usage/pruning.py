"""Forgets old usage: nothing does that by itself."""

from __future__ import annotations

from datetime import datetime, timedelta

from openai_api.models import Usage, UsageMinute
from registry.models import Event

# Rows that one statement deletes, so that none takes long and none holds many locks.
AT_ONCE = 10_000


def prune(before: datetime, *, actor: str) -> int:
    """Delete the rows of requests that began earlier; how many there were. The timeline says who did it."""
    deleted = 0
    old = Usage.objects.filter(began_at__lt=before).order_by("began_at").values("pk")
    while found := Usage.objects.filter(pk__in=old[:AT_ONCE]).delete()[0]:
        deleted += found
    UsageMinute.objects.filter(minute__lte=before - timedelta(minutes=1)).delete()
    if deleted:
        story = f"{deleted} rows from before {before:%Y-%m-%d %H:%M %Z} were deleted"
        Event.objects.create(actor=actor, subject="usage", reason=story)
    return deleted
