"""The control plane's memory between two turns: since when it listens, and what alarms it."""

from __future__ import annotations

from datetime import timedelta

from django.db import connection

from registry.models import Sweep

SWEEPER_LOCK = 0x4D59  # an advisory lock of ours: one sweeper at a time, however many control processes run
GAP = timedelta(seconds=5)  # between two turns; the clock turns every second or two


def become_sweeper() -> bool:
    """Whether this transaction may sweep; it holds the lock until it ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [SWEEPER_LOCK])
        return bool(cursor.fetchone()[0])


def begin() -> Sweep:
    """Note this turn. After a gap, in which the database or every control process was away, listening begins anew."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO registry_sweep AS s (id, swept_at, listening_since, alarm)"
            " SELECT %s, now, now, '' FROM (SELECT clock_timestamp() AS now) AS clock"
            " ON CONFLICT (id) DO UPDATE SET swept_at = excluded.swept_at, listening_since ="
            " CASE WHEN excluded.swept_at - s.swept_at > make_interval(secs => %s)"
            " THEN excluded.swept_at ELSE s.listening_since END"
            " RETURNING id, swept_at, listening_since, alarm, alarm_since",
            [Sweep.ROW, GAP.total_seconds()],
        )
        return Sweep(*cursor.fetchone())
