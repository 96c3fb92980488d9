"""Brings the engine up, off the event loop: importing torch alone takes seconds."""

from __future__ import annotations

import logging

from inference.config import WorkerConfig
from inference.engines.base import Engine, ReportProgress
from inference.engines.registry import engine_class
from inference.errors import LoadError

log = logging.getLogger(__name__)


def load_engine(config: WorkerConfig, report: ReportProgress) -> Engine:
    """The loaded engine. Raises `LoadError`; anything else is a bug, of ours or of a library."""
    engine = engine_class(config.engine)(config.for_engine())
    engine.load(report)
    return engine


def failure_reason(error: BaseException) -> str:
    """Why the model cannot be served, in one sentence for the operator; the details of a bug go to the log."""
    if isinstance(error, LoadError):
        return error.reason
    log.error("Loading failed", exc_info=error)
    if isinstance(error, MemoryError):
        return "This machine has not enough free memory for the model. Stop another one, or take a smaller one."
    first_line = (str(error).strip().splitlines() or [""])[0]
    return f"Loading failed with {type(error).__name__}: {first_line[:300]}. The worker's log has the details."
