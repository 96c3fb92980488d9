"""Celery messages that make things happen now, not at the next tick. Rows are the truth; a lost nudge loses seconds."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from uuid import UUID

import psycopg
from celery import current_app
from kombu.exceptions import OperationalError

from registry.models import Worker

logger = logging.getLogger(__name__)

CONTROL_QUEUE = "control"
# Celery's workers would tell each other every two seconds that they live; rows say who does.
QUIET = {"quiet": True, "without_heartbeat": True, "without_gossip": True, "without_mingle": True}
MOST, MOST_S = 64, 0.1  # launches and seconds a turn; the others' agents look by themselves half a second later
STALE_S = 3  # a nudge that waited longer than this has been overtaken by the next turn


def control() -> None:
    """Reconcile now."""
    _send("registry.tasks.reconcile", [], CONTROL_QUEUE)


def agent(queue: str, launch_id: UUID) -> None:
    """Let a node's agent look at one launch now."""
    _send("registry.tasks.attend", [str(launch_id)], queue)


def launches(worker_ids: Sequence[int]) -> None:
    """Let the agents of these workers look at them now; of many only the first."""
    give_up_at = time.monotonic() + MOST_S
    workers = Worker.objects.filter(pk__in=worker_ids[:MOST]).select_related("node")
    for worker in workers.only("launch_id", "node__name"):
        if worker.node is not None and time.monotonic() < give_up_at:
            agent(worker.node.queue, worker.launch_id)


def _send(task: str, arguments: list[str], queue: str) -> None:
    try:
        current_app.send_task(task, args=arguments, queue=queue, expires=STALE_S, retry=False, ignore_result=True)
    except (OperationalError, psycopg.Error) as error:
        logger.warning("The broker did not take a nudge for %s (%s); the next tick does it.", queue, error)
