"""`modelyard control`: the control plane's process."""

from __future__ import annotations

from typing import Any

from celery import current_app

from registry.management.command import YardCommand
from registry.nudge import CONTROL_QUEUE


class Command(YardCommand):
    """Reconciles whenever it is nudged or ticked. Any number may run; one sweeps at a time."""

    help = "Run the control plane: bring what runs in line with what should run."

    def handle(self, *args: Any, **options: Any) -> None:
        current_app.Worker(
            queues=[CONTROL_QUEUE], pool="threads", concurrency=1, hostname="control", quiet=True
        ).start()
