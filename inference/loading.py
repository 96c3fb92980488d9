"""Brings the engine up, off the event loop: importing torch alone takes seconds."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace

import psutil

from inference.config import WorkerConfig
from inference.engines.base import Engine, LoadProgress, ReportProgress
from inference.engines.registry import engine_class
from inference.errors import LoadError
from inference.failure import Failure
from inference.protocol.causes import Cause
from inference.sources.locate import located
from inference.sources.progress import Changes, Span

OnCrash = Callable[[Failure], None]

log = logging.getLogger(__name__)


def load_engine(config: WorkerConfig, report: ReportProgress, on_crash: OnCrash) -> Engine:
    """The loaded engine. Raises `LoadError`; anything else is a bug, of ours or of a library."""
    engine = engine_class(config.engine)(config.for_engine())
    engine.on_crash = on_crash
    if not engine.reads_files:
        engine.load(report)
        return engine
    progress = Changes(report)
    path = located(config.model, config.hub_access, Span(progress, 0, 60), revision=config.revision)
    engine.config = replace(engine.config, model=path)
    # Loading begins where a download ended: near the start, when there was none.
    began = progress.last.percent
    engine.load(lambda now: progress(LoadProgress(began + now.percent * (100 - began) // 100, now.detail)))
    return engine


def failure_of(error: BaseException) -> Failure:
    """Why the model cannot be served, for the operator; the details of a bug go to the log."""
    if isinstance(error, LoadError):
        return error.failure
    log.error("Loading failed", exc_info=error)
    if isinstance(error, MemoryError):
        free = f"{psutil.virtual_memory().available / 1e9:.1f} GB are free"
        reason = f"This machine has not enough free memory for the model ({free})."
        return Failure(reason, Cause.HOST_MEMORY, "Stop another one, or take a smaller one.")
    if isinstance(error, ImportError):
        reason = f"The engine lacks a library: {error}."
        return Failure(reason, Cause.NOT_INSTALLED, "Install it on this machine.")
    first_line = (str(error).strip().splitlines() or [""])[0]
    reason = f"Loading failed with {type(error).__name__}: {first_line[:300]}."
    return Failure(reason, Cause.CRASHED, "The worker's log has the details.")
