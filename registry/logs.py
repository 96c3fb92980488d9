"""Workers' logs, wherever they are: a file here, the worker's own endpoint, or the last lines that the row keeps.

All three count bytes from the beginning of the same log, so a reader goes on where it stood when one takes over from
another, as when the process on another machine ends.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from http.client import HTTPException
from io import BytesIO
from pathlib import Path
from typing import Protocol, cast
from urllib.parse import urlencode

from django.db.models import QuerySet

from inference.protocol.logs import LARGEST, LogPiece, read_piece
from registry import wire
from registry.agent.spawn import log_file
from registry.errors import LogUnavailable
from registry.models import Worker
from registry.states import ACTIVE, WorkerState
from registry.tokens import worker_token

POLL_S = 0.3
PATIENCE_S = 2.0  # an end is written down a moment after the process is gone: not worth a note
ANSWER_S = 2.0  # for a worker to take the connection, and again for its answer
LATER = "its last lines come when it has ended"


class LogSource(Protocol):
    """Where the log of one launch can be read."""

    def read(self, start: int, limit: int = LARGEST) -> LogPiece:
        """Bytes from `start` on; below 0 it counts from the end. Raises `LogUnavailable`."""
        ...


@dataclass(frozen=True, slots=True)
class FileLog:
    """The file that the worker writes, on this machine."""

    path: Path

    def read(self, start: int, limit: int = LARGEST) -> LogPiece:
        try:
            with self.path.open("rb") as file:
                return read_piece(file, start, limit)
        except OSError as error:
            raise LogUnavailable(f"{self.path} cannot be read: {error.strerror}.") from error


@dataclass(frozen=True, slots=True)
class WorkerLog:
    """What the worker serves of its own log, from whatever machine."""

    address: str
    token: str = field(repr=False)

    def read(self, start: int, limit: int = LARGEST) -> LogPiece:
        path = f"/logs?{urlencode({'start': start, 'limit': limit})}"
        if refusal := wire.refusal(self.address):
            raise LogUnavailable(refusal)
        try:
            with closing(wire.connection(self.address, timeout_s=ANSWER_S)) as connection:
                connection.request("GET", path, headers={"Authorization": f"Bearer {self.token}"})
                answer = connection.getresponse()
                return self._piece(answer.status, answer.read())
        except TimeoutError as error:
            hung = f"The worker at {self.address} does not answer within {ANSWER_S:.0f} s; {LATER}."
            raise LogUnavailable(hung) from error
        except (OSError, HTTPException, ValueError) as error:
            raise LogUnavailable(f"The worker at {self.address} cannot be reached ({error}); {LATER}.") from error

    def _piece(self, status: int, body: bytes) -> LogPiece:
        if status == 404:
            raise LogUnavailable(f"The worker at {self.address} writes its log to no file.")
        if status != 200:
            raise LogUnavailable(f"The worker at {self.address} does not show its log (HTTP {status}).")
        return cast(LogPiece, json.loads(body))


@dataclass(frozen=True, slots=True)
class KeptLog:
    """The last lines, as the agent kept them; `size` is how long the whole log was."""

    tail: str
    size: int | None

    def read(self, start: int, limit: int = LARGEST) -> LogPiece:
        data = self.tail.encode()
        size = len(data) if self.size is None else self.size
        wanted = max(0, size - start) if start >= 0 else -start
        piece = read_piece(BytesIO(data), max(0, len(data) - wanted), limit)
        # What the agent could not decode has other bytes here than in the file: counted from the end that is small.
        before = size - len(data)
        begin, end = (max(0, at + before) for at in (piece["start"], piece["end"]))
        return LogPiece(start=begin, end=end, size=size, text=piece["text"])


@dataclass(frozen=True, slots=True)
class News:
    """What a log has from some byte on; `missing` bytes before the text, `behind` after it. `note`: why it has none."""

    end: int
    text: str = ""
    missing: int = 0
    behind: int = 0
    note: str = ""


def source(worker: Worker) -> LogSource | None:
    """The best place to read this launch's log now."""
    file = log_file(worker.launch_id)
    if file.is_file():
        return FileLog(file)
    if worker.exited_at is None and worker.address:
        return WorkerLog(worker.address, worker_token(worker.launch_id))
    return KeptLog(worker.log_tail, worker.log_bytes) if worker.log_tail else None


def news(worker: Worker, start: int, limit: int = LARGEST) -> News:
    """What there is from byte `start` on, below 0 counted from the end; a note instead when it cannot be read."""
    place = source(worker)
    if place is None:
        return News(end=max(0, start), note=why_none(worker))
    try:
        piece = place.read(start, limit)
    except LogUnavailable as error:
        return News(end=max(0, start), note=str(error))
    missing = max(0, piece["start"] - max(0, start)) if piece["text"] else 0
    return News(piece["end"], piece["text"], missing, piece["size"] - piece["end"])


def last_lines(worker: Worker, count: int) -> News:
    """The newest lines of a log."""
    found = news(worker, -LARGEST)
    return replace(found, text="".join(found.text.splitlines(keepends=True)[-count:]))


def why_none(worker: Worker) -> str:
    """One sentence about a launch without any log."""
    if worker.launching_at is None:
        return f"{worker} was not started, so there is no log: {worker.reason or 'it is about to be'}."
    if worker.exited_at is not None:
        return f"{worker} ended without a word in its log: {worker.exit_note or worker.reason or 'no reason is known'}."
    where = f"on node {worker.node}" if worker.node else "elsewhere"
    return f"{worker} starts {where} and has not said yet where it can be reached."


def is_over(worker: Worker) -> bool:
    """Whether the log has all that it will ever have. A launch that is given up may live on for a moment."""
    if worker.state in ACTIVE:
        return False
    return worker.exited_at is not None or worker.launching_at is None or worker.state == WorkerState.LOST


def follow(worker: Worker, *, start: int) -> Iterator[News]:
    """What is written from byte `start` on, until the launch is over or deleted; a note when it stays unreadable."""
    told, unreadable_since = "", None
    while (now := _fresh(worker)) is not None:
        # The row is read before the log: what the worker wrote last is still read after its end.
        found = news(now, start)
        start = found.end
        unreadable_since = (unreadable_since or time.monotonic()) if found.note else None
        lasting = unreadable_since is not None and time.monotonic() - unreadable_since >= PATIENCE_S
        if found.text or (lasting and found.note != told):
            told = found.note
            yield found
        if found.behind and found.text:
            continue
        if is_over(now):
            return
        time.sleep(POLL_S)


def next_launch(worker: Worker) -> Worker | None:
    """The launch of the same replica that came after this one."""
    return _siblings(worker).filter(pk__gt=worker.pk).order_by("pk").first()


def previous_launch(worker: Worker) -> Worker | None:
    """The launch of the same replica that came before this one."""
    return _siblings(worker).filter(pk__lt=worker.pk).order_by("-pk").first()


def newest_launch(worker: Worker) -> Worker:
    """The newest launch of the same replica, which may be this one."""
    return _siblings(worker).order_by("-pk").first() or worker


def _siblings(worker: Worker) -> QuerySet[Worker]:
    launches = Worker.objects.select_related("deployment", "node")
    return launches.filter(deployment_id=worker.deployment_id, replica=worker.replica)


def _fresh(worker: Worker) -> Worker | None:
    return _siblings(worker).filter(pk=worker.pk).first()
