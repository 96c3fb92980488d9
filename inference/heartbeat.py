"""The heartbeat: says once a second what the worker is, and hears what it should do.

It has a thread of its own, so that it beats while the event loop is busy, and a database connection of its own with
short time-outs. The database being away changes nothing for the worker: it goes on serving, and goes on trying.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

import psycopg
from psycopg.types.json import Jsonb
from psycopg.types.numeric import Float8, Int8

from inference.errors import BeatFailed
from inference.protocol.beat import BEAT_SQL, STEADY_FIELDS, STEADY_SQL, Order, Report, WorkerState

log = logging.getLogger(__name__)

# Seconds. A beat that takes longer than these is worth less than the next one.
_CONNECT_TIMEOUT_S = 2
_STATEMENT_TIMEOUT_MS = 2000


class Sender(Protocol):
    """Where reports go. `send` gives the order, or None when this launch is superseded; it raises `BeatFailed`."""

    def send(self, report: Report) -> Order | None:
        """Deliver one report."""

    def close(self) -> None:
        """Give the connection back."""


class PostgresSender:
    """Sends reports to the database's function, over one connection that is renewed when it breaks."""

    def __init__(self, url: str, launch_id: UUID, *, token: str) -> None:
        self._url = url
        self._launch_id = launch_id
        self._token = token
        self._connection: psycopg.Connection | None = None
        # The state in which the database has heard a whole report over this connection.
        self._told: WorkerState | None = None

    def send(self, report: Report) -> Order | None:
        """Deliver one report; the first after a loss connects again."""
        try:
            if self._connection is None:
                self._connection = self._connect()
            return self._tell(self._connection, report)
        except psycopg.Error as error:
            self.close()
            raise BeatFailed(" ".join(str(error).split()) or type(error).__name__) from error

    def _tell(self, connection: psycopg.Connection, report: Report) -> Order | None:
        """As little as the database needs to hear."""
        if report["state"] == self._told and (values := _steady(report)):
            order = _order(connection.execute(STEADY_SQL, (self._launch_id, self._token, *values)).fetchone())
            if order is not None:
                return order
        order = _order(connection.execute(BEAT_SQL, (self._launch_id, self._token, Jsonb(report))).fetchone())
        # Loading is told in full: its progress is more than a number that goes on.
        self._told = None if order is None or report["state"] is WorkerState.LOADING else report["state"]
        return order

    def close(self) -> None:
        """Drop the connection."""
        self._told = None
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _connect(self) -> psycopg.Connection:
        return psycopg.connect(
            self._url,
            autocommit=True,
            connect_timeout=_CONNECT_TIMEOUT_S,
            application_name="modelyard-worker",
            # A beat that a crash of the server loses is made good by the next one: no wait for the disk.
            options=f"-c statement_timeout={_STATEMENT_TIMEOUT_MS} -c lock_timeout={_STATEMENT_TIMEOUT_MS}"
            " -c synchronous_commit=off",
            # A database host that vanished without a word is noticed as soon as one that refuses.
            tcp_user_timeout=_STATEMENT_TIMEOUT_MS,
        )


@dataclass(frozen=True, slots=True)
class Heart:
    """What beats: the newest report, who receives it, and who obeys the answer. Called from the heartbeat's thread."""

    report: Callable[[], Report]
    sender: Sender
    obey: Callable[[Order | None], None]


class Heartbeat:
    """Beats until it is told to finish. `run` is the thread's whole life; what it raises is a bug."""

    def __init__(self, heart: Heart, interval_s: float) -> None:
        self._heart = heart
        self._interval_s = interval_s
        self._wake = threading.Event()
        # Monotonic seconds until which a last report may be tried; None while the heart goes on.
        self._last_try_until: float | None = None
        self._arriving = True

    def run(self) -> None:
        """Beat at once, then every interval, and at once when woken."""
        try:
            while self._last_try_until is None:
                self._beat()
                self._wake.wait(self._interval_s)
                self._wake.clear()
            self._say_last()
        finally:
            self._heart.sender.close()

    def beat_now(self) -> None:
        """Do not wait for the next tick: the state has changed."""
        self._wake.set()

    def finish(self, patience_s: float) -> None:
        """Deliver one last report, trying for at most `patience_s`, and end."""
        self._last_try_until = time.monotonic() + patience_s
        self._wake.set()

    def _beat(self) -> bool:
        try:
            order = self._heart.sender.send(self._heart.report())
        except BeatFailed as error:
            self._note_lost(error)
            return False
        self._note_arrived()
        self._heart.obey(order)
        return True

    def _say_last(self) -> None:
        deadline = self._last_try_until or 0.0
        while not self._beat() and time.monotonic() < deadline:
            time.sleep(min(0.2, self._interval_s))

    def _note_lost(self, error: BeatFailed) -> None:
        # Once a loss, not once a second.
        if self._arriving:
            log.warning("Heartbeats do not arrive, the worker goes on serving: %s", error)
        self._arriving = False

    def _note_arrived(self) -> None:
        if not self._arriving:
            log.info("Heartbeats arrive again")
        self._arriving = True


def _steady(report: Report) -> tuple[str | Int8 | Float8, ...]:
    """The parameters of `STEADY_SQL` after the token; empty when the report lacks one.

    Of fixed types: psycopg would take the smallest that a number fits into, and prepare a statement for each mixture.
    """
    if not report.keys() >= STEADY_FIELDS:
        return ()
    return (
        report["state"].value,
        Int8(report["in_flight"]),
        Int8(report["requests_total"]),
        Int8(report["tokens_total"]),
        Float8(report["tokens_per_second"]),
        Float8(report["stalled_s"]),
        Int8(report["memory_bytes"]),
        Int8(report["memory_peak_bytes"]),
    )


def _order(row: tuple[str | None, ...] | None) -> Order | None:
    if row is None or row[0] is None:
        return None
    try:
        return Order(row[0])
    except ValueError:
        # A newer platform may know more orders; one that we do not know is no reason to stop.
        raise BeatFailed(f"the database gave an unknown order, '{row[0]}'") from None
