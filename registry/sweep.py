"""The control plane's memory between two turns: since when it listens, and what alarms it."""

from __future__ import annotations

from datetime import timedelta

from django.db import connection

from registry.clock import database_now
from registry.models import Sweep

SWEEPER_LOCK = 0x4D59  # an advisory lock of ours: one sweeper at a time, however many control processes run
GAP = timedelta(seconds=5)  # between two turns; ticks come every second


def become_sweeper() -> bool:
    """Whether this transaction may sweep; it holds the lock until it ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [SWEEPER_LOCK])
        return bool(cursor.fetchone()[0])


def begin() -> Sweep:
    """Note this turn. After a gap, in which the database or every control process was away, listening begins anew."""
    now = database_now()
    sweep = Sweep.objects.filter(pk=Sweep.ROW).first() or Sweep(swept_at=now - 2 * GAP, listening_since=now)
    if now - sweep.swept_at > GAP:
        sweep.listening_since = now
    sweep.swept_at = now
    sweep.save()
    return sweep
