"""`modelyard beat`: the clock that ticks for the control plane."""

from __future__ import annotations

import signal
from typing import Any

from celery import current_app
from celery.beat import Service

from registry.management.command import YardCommand


class Command(YardCommand):
    """Sends a reconcile tick every second."""

    help = "Send the control plane's ticks."

    def handle(self, *args: Any, **options: Any) -> None:
        service = Service(current_app, scheduler_cls=current_app.conf.beat_scheduler)
        signal.signal(signal.SIGTERM, lambda *_: service.stop())
        service.start()
