"""Finding workers that live and do nothing: those that are silent in the database are asked by their agent."""

from __future__ import annotations

import enum
import http.client
import ssl
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models.functions import Now

from registry import wire
from registry.models import Worker

SILENCE = timedelta(seconds=3)  # three beats
PROBE_S = 2.0
THREADS = 8


class Finding(enum.Enum):
    """What is to be done about a worker's answers."""

    NOTHING = "nothing"
    ASK = "ask"
    UNRESPONSIVE = "unresponsive"
    RESPONSIVE = "responsive"


@dataclass(frozen=True, slots=True, kw_only=True)
class Signs:
    """The signs of life of one worker whose process runs."""

    now: datetime
    heartbeat_at: datetime | None
    address: str
    stopped: bool  # its process stands still
    unresponsive: bool  # so says the row
    answered: bool | None = None  # the last probe's outcome, if one has ended since the last look


def find(signs: Signs) -> Finding:
    """Decide. A beat counts more than a probe: it shows that the database hears the worker too."""
    if signs.stopped:
        return _unless(signs.unresponsive, Finding.UNRESPONSIVE)
    if signs.heartbeat_at is not None and signs.now - signs.heartbeat_at <= SILENCE:
        return _unless(not signs.unresponsive, Finding.RESPONSIVE)
    if signs.answered is None:
        return Finding.ASK if signs.address else Finding.NOTHING
    if signs.answered:
        return _unless(not signs.unresponsive, Finding.RESPONSIVE)
    return _unless(signs.unresponsive, Finding.UNRESPONSIVE)


def _unless(known: bool, finding: Finding) -> Finding:
    return Finding.NOTHING if known else finding


class Probes:
    """Asks workers over HTTP, a few at a time, beside the cycle."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(max_workers=THREADS, thread_name_prefix="agent-probe")
        self._asked: dict[UUID, Future[bool]] = {}

    def examine(self, worker: Worker, *, now: datetime, stopped: bool) -> None:
        """Look at one worker whose process runs, and write down when its answers begin or end to fail."""
        signs = Signs(
            now=now,
            heartbeat_at=worker.heartbeat_at,
            address=worker.address,
            stopped=stopped,
            unresponsive=worker.unresponsive_since is not None,
            answered=self._outcome(worker.launch_id),
        )
        match find(signs):
            case Finding.ASK if worker.launch_id not in self._asked:
                self._asked[worker.launch_id] = self._pool.submit(answers, worker.address)
            case Finding.UNRESPONSIVE:
                _write(worker, since=True)
            case Finding.RESPONSIVE:
                _write(worker, since=False)

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _outcome(self, launch_id: UUID) -> bool | None:
        asked = self._asked.get(launch_id)
        if asked is None or not asked.done():
            return None
        return self._asked.pop(launch_id).result()


def answers(address: str, *, timeout_s: float = PROBE_S) -> bool:
    """Whether a worker's server says anything at all: also a refusal is an answer."""
    connection = wire.connection(address, timeout_s=timeout_s)
    try:
        connection.request("GET", "/health")
        connection.getresponse()
    except ssl.SSLError:
        return True  # such as a certificate that has expired: nobody who hangs says so much
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
    return True


def _write(worker: Worker, *, since: bool) -> None:
    mine = Worker.objects.filter(pk=worker.pk, exited_at__isnull=True, unresponsive_since__isnull=since)
    mine.update(unresponsive_since=Now() if since else None)
