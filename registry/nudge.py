"""Celery messages that make things happen now, not at the next tick. Rows are the truth; a lost nudge loses seconds."""

from __future__ import annotations

import logging
from uuid import UUID

import psycopg
from celery import current_app
from kombu.exceptions import OperationalError

logger = logging.getLogger(__name__)

CONTROL_QUEUE = "control"
STALE_S = 3  # a nudge that waited longer than this has been overtaken by ticks


def control() -> None:
    """Reconcile now."""
    _send("registry.tasks.reconcile", [], CONTROL_QUEUE)


def agent(queue: str, launch_id: UUID) -> None:
    """Let a node's agent look at one launch now."""
    _send("registry.tasks.attend", [str(launch_id)], queue)


def _send(task: str, arguments: list[str], queue: str) -> None:
    try:
        current_app.send_task(task, args=arguments, queue=queue, expires=STALE_S, retry=False, ignore_result=True)
    except (OperationalError, psycopg.Error) as error:
        logger.warning("The broker did not take a nudge for %s (%s); the next tick does it.", queue, error)
