"""The control plane's loop body: snapshot → `plan()` → rows, in one transaction; nudges after the commit."""

from __future__ import annotations

from django.db import transaction

from registry import sweep
from registry.actions import carry_out
from registry.plan import plan
from registry.snapshot import load_snapshot


def reconcile_once() -> int | None:
    """One turn. Returns the number of actions done, or None when another process is at it."""
    with transaction.atomic():
        if not sweep.become_sweeper():
            return None
        return carry_out(plan(load_snapshot(sweep.begin())))
