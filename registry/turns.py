"""The control plane's turns in one process: by its own clock, and one for each nudge."""

from __future__ import annotations

import logging
import threading

from django.db import DatabaseError, InterfaceError, connections

from registry import reconciler
from registry.reconciler import Turn

logger = logging.getLogger(__name__)

TICK_S = 1.0
CALM_TICK_S = 2.0  # while nothing is under way; whatever somebody wants comes with a nudge

# Else a nudge could find its own process's tick sweeping, and come to nothing.
_one_at_a_time = threading.Lock()


def take() -> Turn | None:
    """One turn, now or as soon as this process's other one is over. Raises what the database raises."""
    with _one_at_a_time:
        try:
            return reconciler.reconcile_once()
        except (DatabaseError, InterfaceError):
            connections.close_all()  # the next turn opens another
            raise


def tick(stopping: threading.Event) -> None:
    """The clock: what is overdue is seen though nobody nudges. A turn more or less is harmless."""
    wait_s, away = TICK_S, False
    while not stopping.wait(wait_s):
        try:
            turn = take()
        except (DatabaseError, InterfaceError) as error:
            if not away:
                logger.warning("No turn (%s); the next ones try again.", str(error).strip().split("\n", 1)[0])
            wait_s, away = TICK_S, True
        else:
            wait_s, away = CALM_TICK_S if turn and turn.calm else TICK_S, False
    connections.close_all()
