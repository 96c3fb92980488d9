"""Threads that their process is nothing without."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable

logger = logging.getLogger(__name__)


def start(target: Callable[..., None], *args: object, name: str) -> threading.Thread:
    """A running thread. When it, or another of this process, dies of anything unforeseen, the process ends with it."""
    threading.excepthook = _end_process
    thread = threading.Thread(target=target, args=args, name=name, daemon=True)
    thread.start()
    return thread


def _end_process(death: threading.ExceptHookArgs) -> None:
    name = death.thread.name if death.thread is not None else "A thread"
    logger.critical("%s died; the process ends so that it is started anew.", name, exc_info=death.exc_value)
    os._exit(1)
