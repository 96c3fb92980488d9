"""`modelyard control`: the control plane's process."""

from __future__ import annotations

import threading
from typing import Any

from celery import current_app

from registry import turns, vital
from registry.management.command import YardCommand
from registry.nudge import CONTROL_QUEUE, QUIET


class Command(YardCommand):
    """Reconciles every second or two, and whenever it is nudged. Any number may run; one sweeps at a time."""

    help = "Run the control plane: bring what runs in line with what should run."

    def handle(self, *args: Any, **options: Any) -> None:
        stopping = threading.Event()
        clock = vital.start(turns.tick, stopping, name="control-clock")
        current_app.Worker(queues=[CONTROL_QUEUE], pool="threads", concurrency=1, hostname="control", **QUIET).start()
        stopping.set()
        clock.join(timeout=1)
