"""One worker of a machine at a time; the kernel frees the lock when its holder dies."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from inference.sources.progress import Span


@contextmanager
def exclusively(lock: Path, span: Span, waiting: str) -> Iterator[None]:
    """Hold the file `lock`; while somebody else does, `waiting` says so."""
    with lock.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            span.at(0.0, waiting)
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
