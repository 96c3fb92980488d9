"""Celery's tasks: short, idempotent, and looking at the row before they act."""

from __future__ import annotations

from uuid import UUID

from celery import shared_task


@shared_task
def reconcile() -> None:
    """One turn of the reconciler; on the queue `control`."""
    from registry import turns

    turns.take()


@shared_task
def attend(launch_id: str) -> None:
    """Bring one launch on this node nearer to its order: start, watch or stop it; on the queue `node.<name>`."""
    from registry.agent import runtime

    runtime.attend(UUID(launch_id))
