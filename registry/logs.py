"""Workers' logs: files on the machine that runs them, and the last lines in the row once the process has ended."""

from __future__ import annotations

import time
from collections.abc import Iterator

from registry.agent.spawn import log_file
from registry.models import Worker
from registry.states import ACTIVE

POLL_S = 0.3
CHUNK = 1_000_000  # bytes; more than 200 lines of any log of ours


def size(worker: Worker) -> int:
    """Bytes of the file on this machine; 0 when there is none."""
    try:
        return log_file(worker.launch_id).stat().st_size
    except FileNotFoundError:
        return 0


def last_lines(worker: Worker, count: int, *, end: int) -> str:
    """The lines before byte `end`, or of the row when there is no file here. Nothing when neither has any."""
    start = max(0, end - CHUNK)
    text = _read(worker, start)[: end - start].decode(errors="replace") if end else worker.log_tail
    return "\n".join(text.splitlines()[-count:])


def follow(worker: Worker, *, start: int) -> Iterator[str]:
    """What is written from byte `start` on, until the launch is over."""
    over = False
    while not over:
        # Asked before the file is read: what the worker wrote last is still read after its end.
        over = not Worker.objects.filter(pk=worker.pk, state__in=ACTIVE).exists()
        while new := _read(worker, start):
            start += len(new)
            yield new.decode(errors="replace")
        if not over:
            time.sleep(POLL_S)


def _read(worker: Worker, start: int) -> bytes:
    try:
        with log_file(worker.launch_id).open("rb") as file:
            file.seek(start)
            return file.read(CHUNK)
    except FileNotFoundError:
        return b""
