"""The control plane's loop body: snapshot → `plan()` → rows, in one transaction; nudges after the commit."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import transaction

from registry import sweep
from registry.actions import carry_out
from registry.plan import calm, plan
from registry.snapshot import load_snapshot


@dataclass(frozen=True, slots=True)
class Turn:
    """What one turn did: how many actions; and whether nothing is under way, so that the next may take its time."""

    done: int
    calm: bool


def reconcile_once() -> Turn | None:
    """One turn, or None when another process is at it."""
    with transaction.atomic():
        if not sweep.become_sweeper():
            return None
        snapshot = load_snapshot(sweep.begin())
        actions = plan(snapshot)
        return Turn(carry_out(actions) if actions else 0, calm=not actions and calm(snapshot))
