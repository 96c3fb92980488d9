"""Telling everybody that the desired state changed."""

from __future__ import annotations

from functools import partial

from django.db import transaction

from registry import nudge
from registry.lifecycle import notify


def announce() -> None:
    """When this transaction commits, listeners hear of it and the control plane looks."""
    notify("desired")
    transaction.on_commit(partial(nudge.control))
